// Registered environments: what a submit leaves with the workspace, versions that users name, labels.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/scripted_target.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kDefault = "/api/v1/workspaces/default";

struct World {
  World() {
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
    targets.emplace("local", std::make_unique<test::ScriptedTarget>());
    world = std::make_unique<test::TestWorld>(std::move(targets));
  }

  json::value ask(Method method, const std::string& route, const json::value& body = nullptr, int status = 200) {
    const net::Response answer = world->ask(method, kDefault + route, body.is_null() ? std::string() : json::serialize(body));
    CAPTURE(answer.body);
    REQUIRE(answer.status == status);
    return answer.body.empty() ? json::value() : json::parse(answer.body);
  }

  // Answers as which version of its environment the run was recorded.
  std::string submit(const json::object& environment, const json::value& as_written = nullptr, int status = 202) {
    json::object request{{"experiment", "e"}, {"spec", json::object{{"command", "true"}, {"environment", environment}}}};
    if (!as_written.is_null()) request["environment"] = as_written;
    const json::value run = ask(Method::kPost, "/runs", request, status);
    if (status != 202) return {};
    last_run = run.at("runId").as_string();
    const json::value spec = ask(Method::kGet, "/runs/" + last_run + "/spec");
    const json::value* const version = spec.at("environment").as_object().if_contains("version");
    return version == nullptr ? std::string() : std::string(version->as_string());
  }

  std::vector<std::string> versions(const std::string& name, int status = 200) {
    const json::value answer = ask(Method::kGet, "/environments/" + name + "/versions", nullptr, status);
    std::vector<std::string> found;
    if (status != 200) return found;
    for (const json::value& version : answer.at("items").as_array()) found.emplace_back(version.at("version").as_string());
    return found;
  }

  std::string version_found(const std::string& query) {
    return std::string(ask(Method::kGet, "/environments/" + query).at("version").as_string());
  }

  std::unique_ptr<test::TestWorld> world;
  std::string last_run;
};

json::object environment_of(const std::string& name, const std::string& requirement, const std::string& version = {}) {
  json::object definition{{"name", name}, {"userManaged", false}, {"pipRequirements", json::array{requirement.c_str()}}};
  if (!version.empty()) definition["version"] = version;
  return definition;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a submit registers its environment: the same content is the same version") {
  World world;
  CHECK(world.submit(environment_of("a", "six==1")) == "1");
  CHECK(world.submit(environment_of("a", "six==1")) == "1");
  CHECK(world.submit(environment_of("a", "six==2")) == "2");
  CHECK(world.submit(environment_of("a", "six==1")) == "1");
  CHECK(world.submit(environment_of("b", "six==1")) == "1");
  CHECK(world.versions("a") == Texts{"1", "2"});
  // What a client read back and sends again is no other content; a changed one gets the next number, whatever it was read as.
  CHECK(world.submit(environment_of("a", "six==1", "1")) == "1");
  CHECK(world.submit(environment_of("a", "six==3", "1")) == "3");
  CHECK(world.submit(environment_of("a", "six==4", "blue")) == "blue");
  CHECK(world.versions("a") == Texts{"1", "2", "3", "blue"});
  const json::value found = world.ask(Method::kGet, "/environments/a?version=2");
  CHECK(found.at("pipRequirements").as_array().at(0).as_string() == "six==2");
}

TEST_CASE("a submit registers what its client wrote, not what it made of it for the run") {
  World world;
  json::object for_the_run{{"name", "mine"}, {"interpreter", "/usr/bin/python3"}, {"docker", {{"useDocker", false}}}};
  json::object as_written{{"name", "mine"}, {"interpreter", "python"}, {"docker", {{"baseImage", "image"}}}};
  CHECK(world.ask(Method::kPost, "/environments", as_written, 201).at("version").as_string() == "1");
  CHECK(world.submit(for_the_run, as_written) == "1");
  as_written["docker"].as_object()["useDocker"] = true;  // a 2021 client writes it beside the image
  CHECK(world.submit(for_the_run, as_written) == "1");
  CHECK(world.versions("mine") == Texts{"1"});
  // A rerun is of the same environment, and registers nothing.
  const json::value again = world.ask(Method::kPost, "/runs/" + world.last_run + "/rerun", json::object{}, 202);
  const std::string rerun(again.at("run").at("runId").as_string());
  CHECK(world.ask(Method::kGet, "/runs/" + rerun + "/spec").at("environment").at("version").as_string() == "1");
  CHECK(world.versions("mine") == Texts{"1"});
}

TEST_CASE("the submitter's own interpreter and curated environments are not registered; refusals register nothing") {
  World world;
  CHECK(world.submit(json::object{{"interpreter", "/usr/bin/python3"}}).empty());
  world.versions("default-environment", 404);
  CHECK(world.submit(environment_of("default-environment", "six")) == "1");
  json::object curated = world.ask(Method::kGet, "/environments/AzureML-Minimal").as_object();
  for (const char* const fact : {"createdUtc", "curated", "labels"}) curated.erase(fact);
  CHECK(world.submit(curated) == "1");
  CHECK(world.versions("AzureML-Minimal") == Texts{"1"});
  const json::value refused =
      world.ask(Method::kPut, "/environments/AzureML-Minimal/labels/mine", json::object{{"version", "1"}}, 400);
  CHECK(refused.at("code").as_string() == "name_refused");
  world.submit(environment_of("bad/name", "six"), nullptr, 400);
  world.submit(environment_of("a", "six", "latest"), nullptr, 400);
  world.submit(environment_of("a", "six ==== 1"), nullptr, 400);
  world.versions("a", 404);
}

TEST_CASE("versions that users name, and labels") {
  World world;
  const auto add = [&world](const std::string& requirement, const std::string& version, int status) {
    const json::value answer = world.ask(Method::kPost, "/environments", environment_of("a", requirement, version), status);
    return status < 300 ? std::string(answer.at("version").as_string()) : std::string(answer.at("code").as_string());
  };
  CHECK(add("six==1", "2024-05", 201) == "2024-05");
  CHECK(add("six==1", "2024-05", 200) == "2024-05");
  CHECK(add("six==2", "2024-05", 409) == "already_exists");
  CHECK(add("six==2", "latest", 400) == "name_refused");
  CHECK(add("six==2", "2", 201) == "2");
  CHECK(add("six==3", "", 201) == "3");
  CHECK(world.version_found("a") == "3");
  CHECK(world.version_found("a?version=latest") == "3");
  CHECK(world.version_found("a?version=2024-05") == "2024-05");
  world.ask(Method::kGet, "/environments/a?version=1", nullptr, 404);
  const json::value labelled = world.ask(Method::kPut, "/environments/a/labels/stable", json::object{{"version", "2024-05"}});
  CHECK(labelled.at("labels").as_array().at(0).as_string() == "stable");
  CHECK(world.version_found("a?label=stable") == "2024-05");
  world.ask(Method::kPut, "/environments/a/labels/stable", json::object{{"version", "latest"}});
  CHECK(world.version_found("a?label=stable") == "3");
  CHECK(world.version_found("a?label=latest") == "3");
  world.ask(Method::kGet, "/environments/a?label=new", nullptr, 404);
  world.ask(Method::kGet, "/environments/a?label=stable&version=2", nullptr, 400);
  world.ask(Method::kPut, "/environments/a/labels/latest", json::object{{"version", "2"}}, 400);
  world.ask(Method::kPut, "/environments/a/labels/x", json::object{{"version", "nine"}}, 404);
  world.ask(Method::kPut, "/environments/AzureML-Minimal/labels/x", json::object{{"version", "1"}}, 400);
  world.ask(Method::kDelete, "/environments/a/labels/stable", nullptr, 204);
  world.ask(Method::kDelete, "/environments/a/labels/stable", nullptr, 404);
}
