#include "domain/quota.hh"

#include <doctest/doctest.h>

using namespace werkbank;

namespace {
QuotaBook book_of(const char* text) {
  QuotaBook book;
  book.quotas = quotas_from_json(parse_json(text).value()).value();
  return book;
}
constexpr QuotaAmounts kRun{.runs = 1};
}  // namespace

TEST_CASE("a workspace's limit counts what all its users have") {
  QuotaBook book = book_of(R"({"workspace":{"cores":4,"runs":10}})");
  const QuotaAmounts two{.cores = 2, .runs = 1};
  CHECK_FALSE(book.refusal("ann", two).has_value());
  book.take("ann", two);
  book.take("bob", {.cores = 1, .runs = 1});
  CHECK(book.refusal("ann", two) == "the quota of the workspace is 4 cores: 3 in use, 2 more wanted");
  CHECK_FALSE(book.refusal("ann", {.cores = 1, .runs = 1}).has_value());
  CHECK_FALSE(book.refusal_for_ever("ann", two).has_value());
  CHECK(book.refusal_for_ever("ann", {.cores = 5, .runs = 1}).has_value());
  CHECK(book.hint("vision", "ann", two).find("werkbank quota set --cores N -w vision") != std::string::npos);
}

TEST_CASE("a user's own limits go before those of each user") {
  QuotaBook book = book_of(R"({"eachUser":{"runs":1,"gpus":2},"users":{"ann":{"runs":3}}})");
  book.take("ann", {.gpus = 2, .runs = 1});
  book.take("bob", kRun);
  CHECK_FALSE(book.refusal("ann", kRun).has_value());
  CHECK(book.refusal("ann", {.gpus = 1, .runs = 1}) == "the quota of user \"ann\" is 2 GPUs: 2 in use, 1 more wanted");
  CHECK(book.refusal("bob", kRun) == "the quota of user \"bob\" is 1 runs: 1 in use, 1 more wanted");
  CHECK_FALSE(book.refusal("cid", kRun).has_value());
  CHECK(book.hint("w", "bob", kRun).find("--runs N --user bob -w w") != std::string::npos);
}

TEST_CASE("who has filled the disk may start nothing, now or later") {
  QuotaBook book = book_of(R"({"workspace":{"diskMib":100}})");
  book.take("ann", {.disk_mib = 99});
  CHECK_FALSE(book.refusal_for_ever("bob", kRun).has_value());
  book.take("ann", {.disk_mib = 1});
  CHECK(book.refusal_for_ever("bob", kRun).value_or("").find("100 MiB of disk: 100 in use") != std::string::npos);
}

TEST_CASE("limits are set one by one, lifted by null, and refused whole") {
  QuotaLimits limits;
  CHECK(change_limits(limits, parse_json(R"({"cores":4,"gpus":0})").value(), "limits"));
  CHECK(change_limits(limits, parse_json(R"({"cores":null,"runs":7})").value(), "limits"));
  CHECK(json::serialize(to_json(limits)) == R"({"cores":null,"gpus":0,"memoryMib":null,"diskMib":null,"runs":7})");
  for (const char* const bad : {R"({"runs":-1})", R"({"runs":"many"})", R"({"runs":1.5})", R"({"cpus":1})", R"([])"}) {
    CAPTURE(bad);
    CHECK_FALSE(change_limits(limits, parse_json(bad).value(), "limits"));
  }
  CHECK(limits.runs == 7);
  Quotas quotas;
  quotas.users["ann"] = limits;
  CHECK(quotas_from_json(json::value(to_json(quotas))).value().users.at("ann") == limits);
}
