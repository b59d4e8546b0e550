// Who may do what. Every route names its Permission at compile time (api/route.hh); the answer is one pure function.
#pragma once

#include <optional>
#include <string>

#include "base/result.hh"
#include "domain/roles.hh"
#include "domain/run.hh"

namespace werkbank::access {

enum class Permission {
  kPublic,     // anybody who passes the Host check
  kRead,       // reader of the workspace (of any workspace for routes without one)
  kWrite,      // contributor of the workspace; a run token for its own run and descendants
  kJob,        // contributor of the workspace, or any job of it: what a job does beyond its own run (make
               // child runs, submit runs, read secrets). The handler checks that a new run's parent is of the token's family
  kContent,    // contributor of the workspace, or any job or runner of it: bringing bytes, getting at data, saving datasets
  kOwn,        // owner of the workspace; of the installation for routes without one
  kRunner,     // the runner of that very run only; the script's own token is another one
  kLocalOnly,  // Unix socket only
};

enum class LoginKind { kNobody, kUnixSocket, kNoAuth, kToken, kRunToken, kRunnerToken };

// The outcome of looking at a connection and its headers, decided in one place (api/login.cc).
struct Identity {
  LoginKind kind = LoginKind::kNobody;
  std::string user;             // for created_by and "canceled by"
  std::string workspace = "*";  // kToken: where the role holds; "*": everywhere
  Role role = Role::kReader;    // kToken; kUnixSocket and kNoAuth are owner of everything
  RunKey run;                   // kRunToken, kRunnerToken
  bool run_ended = false;       // the same: only its runner has still something to say
  std::string refusal;          // kNobody: why a login that was tried was not taken ("the token has expired")
};

// What a request is about. `root_of_run` is the root of the named run's family: a run token reaches its descendants.
struct Subject {
  std::string workspace;       // empty: none named
  std::string run_id;          // empty: none named
  bool is_descendant = false;  // the named run descends from the token's run
};

// unauthenticated for nobody, denied otherwise; the message names the role that is needed.
//
//                nobody   unix socket, no-auth   login token                             run token                 runner token
//   kPublic      yes      yes                    yes                                     yes                       yes
//   kRead        no       yes                    reader there (or no workspace named)    its workspace             its workspace
//   kWrite       no       yes                    contributor there                       its run and descendants   no
//   kJob         no       yes                    contributor there                       its workspace             no
//   kContent     no       yes                    contributor there                       its workspace             its workspace
//   kOwn         no       yes                    owner there                             no                        no
//   kRunner      no       no                     no                                      no                        its run
//   kLocalOnly   no       unix socket only       no                                      no                        no
//
// Where no workspace is named, everything but kRead takes a token for "*".
Status authorize(const Identity& identity, Permission permission, const Subject& subject);

}  // namespace werkbank::access
