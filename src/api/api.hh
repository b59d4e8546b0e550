// What the handlers work on: the engine and the stores behind it, and the few facts of this server.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "access/permission.hh"
#include "access/vault.hh"
#include "api/device_logins.hh"
#include "api/event_hub.hh"
#include "data/data_store.hh"
#include "lifecycle/engine.hh"
#include "lifecycle/holdings.hh"
#include "lifecycle/housekeeping.hh"
#include "net/http_server.hh"

namespace werkbank::api {

struct ServerFacts {
  std::string version;
  std::string instance_id;
  bool no_auth = false;                    // TCP requests act as owner
  std::vector<std::string> allowed_hosts;  // Host names beside loopback ones; empty entries never match
  std::string web_address;                 // where a browser finds this server; empty: on its socket alone
  uint32_t own_uid = 0;
  std::string_view wheel;  // the SDK's wheel, served by the package index
  std::string wheel_name;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

struct Counters {
  std::atomic<uint64_t> requests{0}, errors{0}, log_bytes{0}, metric_lines{0}, blobs{0}, runs_submitted{0};
  std::atomic<int64_t> last_request_ms{0};  // monotonic; for the idle end of an on-demand server
  std::atomic<int64_t> streams{0};          // open live streams
  std::atomic<int64_t> in_flight{0};        // requests being answered; the server is not idle while there are any
};

struct Api {
  lifecycle::Engine& engine;
  lifecycle::Services& services;
  const access::Vault& vault;
  EventHub& hub;
  lifecycle::Holdings& holdings;
  lifecycle::Housekeeping& housekeeping;
  const ServerFacts& facts;
  Counters& counters;
  std::function<void()> request_stop;  // begins a graceful stop of the server
  data::DataStoreOpener open_data;
  // What goes on after its request was answered.
  std::unique_ptr<TaskGroup> tasks = std::make_unique<TaskGroup>();
  std::unique_ptr<DeviceLogins> device_logins = std::make_unique<DeviceLogins>();
};

}  // namespace werkbank::api
