// The server against the client and against hand-written bytes, over real sockets.
#include "net/test_server.hh"

using namespace werkbank;
using namespace werkbank::net;
using namespace werkbank::net::test;

TEST_CASE("a thousand requests use one connection") {
  TestServer server;
  HttpClient client = server.client();
  for (int i = 0; i < 1000; ++i) {
    const auto response = client.send(post("/echo", std::to_string(i))).value();
    REQUIRE(response.status == 200);
    REQUIRE(response.body == std::to_string(i));
  }
  CHECK(server.server().open_connections() == 1);
}

TEST_CASE("a handler may go on on another thread") {
  TestServer server;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      HttpClient client = server.unix_client();
      for (int i = 0; i < 100; ++i) {
        const auto response = client.send(get("/elsewhere"));
        if (response && response->body == "from the pool") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 400);
}

TEST_CASE("requests are plain values with their peer") {
  TestServer server;
  HttpClient client = server.unix_client();
  ClientRequest request = get("/about?q=" + encode_segment("a b&c"));
  request.headers = {{"X-Odd", "1"}, {"X-ODD", "2"}};
  const auto about = parse_json(client.send(request).value().body).value();
  CHECK(about.at("unix").as_bool());
  CHECK(about.at("uid").to_number<uint32_t>() == geteuid());
  CHECK(about.at("query").as_string() == "a b&c");
  CHECK(about.at("headers").at("x-odd").as_string() == "1, 2");
  const auto over_tcp = parse_json(server.client().send(get("/about")).value().body).value();
  CHECK_FALSE(over_tcp.at("unix").as_bool());
}

TEST_CASE("long bodies travel both ways in pieces") {
  TestServer server;
  HttpClient client = server.client();
  ClientRequest request = post("/count", "");
  size_t left = 40 << 20;
  request.body_length = left;
  request.body_source = [&left]() -> Result<std::string> {
    const size_t size = std::min<size_t>(left, 1 << 20);
    left -= size;
    return std::string(size, 'x');
  };
  CHECK(client.send(request).value().body == std::to_string(40 << 20));
  const std::string body(1 << 20, 'y');
  CHECK(client.send(post("/echo", body)).value().body == body);
  CHECK(client.send(get("/flood")).value().body.size() == 1000 * 64 * 1024);
}

TEST_CASE("however a body arrives, its handler gets it in large pieces") {
  TestServer server;
  CHECK(server.client().send(post("/pieces", std::string(4 << 20, 'x'))).value().body == "16");
  const std::string head = "POST /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  RawConnection slow(server);
  slow.send(head + "Content-Length: 9\r\n\r\n");
  for (int i = 0; i < 9; ++i) slow.send("x");
  CHECK(slow.read_all().ends_with("\r\n\r\n1"));
  std::string chunks = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 300; ++i) chunks += "400\r\n" + std::string(1024, 'x') + "\r\n";
  CHECK(answer_to(server, chunks + "0\r\n\r\n").ends_with("\r\n\r\n2"));
}

TEST_CASE("a body that is too long is refused before it is sent, and the client hears why") {
  TestServer server;
  HttpClient client = server.client();
  ClientRequest request = post("/echo", "");
  request.body_length = 1 << 30;
  request.body_source = [] { return Result<std::string>(std::string(1 << 20, 'x')); };
  const auto response = client.send(request).value();
  CHECK(response.status == 413);
  CHECK(error_from_response(response).code == &errors::too_large);
  CHECK(client.send(post("/echo", "again")).value().body == "again");
}

TEST_CASE("chunked bodies are read, and their end must be there") {
  TestServer server;
  const std::string head = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  CHECK(answer_to(server, head + "5\r\nhello\r\n3;ext=1\r\nabc\r\n0\r\n\r\n").ends_with("\r\n\r\n8"));
  const std::string cut = answer_to(server, head + "5\r\nhello\r\n3\r\na");
  CHECK(cut.starts_with("HTTP/1.1 400"));
  CHECK(cut.find("truncated") != std::string::npos);
  CHECK(answer_to(server, head + "xyz\r\n").starts_with("HTTP/1.1 400"));
}

TEST_CASE("a body that ends before its length is refused") {
  TestServer server;
  const std::string answer = answer_to(server, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(answer.starts_with("HTTP/1.1 400"));
  CHECK(answer.find("3 of 10 bytes") != std::string::npos);
}

TEST_CASE("100-continue is answered when the body is wanted, and not when it is refused") {
  TestServer server;
  RawConnection wanted(server);
  wanted.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(wanted.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send("abc");
  CHECK(wanted.read_until("abc").find("HTTP/1.1 200 OK") != std::string::npos);

  RawConnection refused(server);
  refused.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(refused.read_until("\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_CASE("requests that are not well formed get a problem document") {
  TestServer server;
  for (const char* bytes :
       {"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET nopath HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", "GET / HTTP/1.1\r\nBad Header\r\n\r\n",
        "GET / HTTP/1.1\r\nX: \xff\xfe\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    CAPTURE(bytes);
    const std::string answer = answer_to(server, bytes);
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(answer.find("application/problem+json") != std::string::npos);
    CHECK(answer.find("\"code\":\"invalid_request\"") != std::string::npos);
  }
  CHECK(answer_to(server, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501"));
  CHECK(answer_to(server, "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  CHECK(answer_to(server, "GET /ab").empty());
  CHECK(answer_to(server, "").empty());
  CHECK(server.client().send(get("/about")).value().status == 200);
}

TEST_CASE("pipelined requests are answered in order; HEAD has a length and no body") {
  TestServer server;
  const std::string answers =
      answer_to(server,
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\noneHEAD /fixed HTTP/1.1\r\nHost: x\r\n\r\n"
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo");
  const size_t one = answers.find("one");
  const size_t length = answers.find("Content-Length: 5");
  const size_t two = answers.find("two");
  REQUIRE(one != std::string::npos);
  REQUIRE(length != std::string::npos);
  REQUIRE(two != std::string::npos);
  CHECK(one < length);
  CHECK(length < two);
  CHECK(answers.find("fixed") == std::string::npos);
  HttpClient client = server.client();
  const auto head = client.send(ClientRequest{.method = Method::kHead, .target = "/fixed"}).value();
  CHECK(head.body.empty());
  CHECK(head.headers.at("content-length") == "5");
  CHECK(client.send(get("/fixed")).value().body == "fixed");
}

TEST_CASE("an old client gets a body that ends with the connection") {
  TestServer server;
  const std::string answer = answer_to(server, "GET /flood HTTP/1.0\r\n\r\n");
  CHECK(answer.find("Transfer-Encoding") == std::string::npos);
  CHECK(answer.size() > 1000 * 64 * 1024);
}

TEST_CASE("a body that nobody reads does not disturb the next request") {
  TestServer server;
  HttpClient client = server.client();
  CHECK(client.send(post("/nowhere", std::string(100'000, 'x'))).value().status == 404);
  CHECK(client.send(post("/echo", "next")).value().body == "next");
  const auto long_one = client.send(post("/nowhere", std::string(5'000'000, 'x'))).value();
  CHECK(long_one.status == 404);
  CHECK(long_one.headers.at("connection") == "close");
  CHECK(client.send(post("/echo", "next")).value().body == "next");
}

TEST_CASE("an answer that is shorter than announced is seen as broken") {
  TestServer server;
  const auto response = server.client().send(get("/short"));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == &errors::unavailable);
}

TEST_CASE("events are streamed until the client has enough") {
  TestServer server;
  HttpClient client = server.client();
  SseParser parser;
  int seen = 0;
  const auto sink = [&](std::string_view bytes) {
    parser.feed(bytes, [&](const ServerSentEvent& event) {
      CHECK(event.data == "tick");
      ++seen;
    });
    return seen < 3;
  };
  const auto response = client.stream(get("/stream"), sink, 30s).value();
  CHECK(response.status == 200);
  CHECK(response.headers.at("content-type") == "text/event-stream");
  CHECK(seen >= 3);
  CHECK(client.send(get("/about")).value().status == 200);
  server.server().stop();
  CHECK(server.streams_ended == 1);
}

TEST_CASE("a slow reader slows the writer") {
  TestServer server;
  RawConnection connection(server);
  connection.send("GET /flood HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  connection.read_until("\r\n\r\n");
  // Other requests go on meanwhile; and what is written is no more than the socket's buffers hold, far below the whole.
  HttpClient client = server.client();
  for (int i = 0; i < 50; ++i) REQUIRE(client.send(get("/elsewhere")).value().status == 200);
  CHECK(server.bytes_streamed < 40u << 20);
  CHECK(connection.read_all().size() > 1000 * 64 * 1024);
}

TEST_CASE("stop ends streams whole and idle connections at once") {
  TestServer server;
  HttpClient idle = server.client();
  REQUIRE(idle.send(get("/about")));
  std::atomic<int> seen = 0;
  Result<ClientResponse> response;
  std::thread reader([&] {
    HttpClient client = server.unix_client();
    response = client.stream(
        get("/stream"),
        [&seen](std::string_view) {
          ++seen;
          seen.notify_one();
          return true;
        },
        30s);
  });
  seen.wait(0);
  server.server().stop(30s);
  reader.join();
  CHECK(response);  // the last chunk came: it ended, it did not break
  CHECK(server.streams_ended == 1);
  CHECK(server.server().open_connections() == 0);
  CHECK_FALSE(std::filesystem::exists(server.socket_path()));
  const auto after = idle.send(get("/about"));
  REQUIRE_FALSE(after);
  CHECK(after.error().code == &errors::server_unreachable);
}

TEST_CASE("who is silent in the middle of a request is let go") {
  ServerConfig config;
  config.request_timeout = 1s;
  config.idle_timeout = 1s;
  TestServer server(config);
  RawConnection head(server);
  head.send("GET /about HTT");
  CHECK(head.read_all().empty());
  RawConnection body(server);
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  body.read_all();
  RawConnection idle(server);
  CHECK(idle.read_all().empty());
}

TEST_CASE("above the limit of connections the answer is 503") {
  ServerConfig config;
  config.connections_max = 1;
  TestServer server(config);
  HttpClient first = server.client();
  REQUIRE(first.send(get("/about")));
  RawConnection second(server);
  const std::string answer = second.read_all();
  CHECK(answer.starts_with("HTTP/1.1 503"));
  CHECK(answer.find("\"code\":\"unavailable\"") != std::string::npos);
  CHECK(first.send(get("/about")).value().status == 200);
}

TEST_CASE("a Unix socket is private, may have a long path, and replaces a dead one") {
  TestServer server;
  struct stat status{};
  REQUIRE(::stat(server.socket_path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);

  const auto path = server.folder() / std::string(60, 'a') / std::string(60, 'b') / "server.sock";
  REQUIRE(path.native().size() >= 150);
  REQUIRE(make_directories(path.parent_path()));
  const auto handler = [](Request&) -> Task<Response> { co_return Response{}; };
  {
    HttpServer second({}, handler);
    REQUIRE(second.listen_unix(path));
    REQUIRE(second.start());
    HttpClient client(ClientConfig{.server_url = "unix://" + path.string()});
    CHECK(client.send(get("/")).value().status == 200);
    HttpServer third({}, handler);
    const Status refused = third.listen_unix(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == &errors::store_busy);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  { const Fd dead = listen_on_unix(path).value(); }
  CHECK(std::filesystem::exists(path));
  HttpServer fourth({}, handler);
  CHECK(fourth.listen_unix(path));
  REQUIRE(write_file_atomically(server.folder() / "file", "x"));
  CHECK(fourth.listen_unix(server.folder() / "file").error().code == &errors::io_failed);
  CHECK_FALSE(fourth.listen_tcp("127.0.0.1:" + std::to_string(server.port())));
}
