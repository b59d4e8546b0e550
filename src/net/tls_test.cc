// The client over TLS: it speaks to the server that the certificate names, and to nobody else. And our server over TLS: the same
// requests as without, a certificate that is replaced while it works, and peers that do not speak it.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <semaphore>

#include "net/test_server.hh"

using namespace werkbank;
using namespace werkbank::net;
using namespace werkbank::net::test;

namespace {

// A key, and a certificate that it has signed itself, for one address.
struct Certificate {
  explicit Certificate(const std::string& subject_alternative) {
    key.reset(EVP_RSA_gen(2048));
    certificate.reset(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("werkbank test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alternative.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  }

  Status write(const std::filesystem::path& path) const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    Status status = write_file_atomically(path, std::string_view(bytes, static_cast<size_t>(size)));
    BIO_free(memory);
    return status;
  }

  Status write_key(const std::filesystem::path& path) const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    Status status = write_file_atomically(path, std::string_view(bytes, static_cast<size_t>(size)));
    BIO_free(memory);
    return status;
  }

  struct Free {
    void operator()(EVP_PKEY* pointer) const { EVP_PKEY_free(pointer); }
    void operator()(X509* pointer) const { X509_free(pointer); }
  };
  std::unique_ptr<EVP_PKEY, Free> key;
  std::unique_ptr<X509, Free> certificate;
};

// Trusts one certificate for the time of a test.
class Trust {
 public:
  explicit Trust(const Certificate& certificate)
      : path_(std::filesystem::temp_directory_path() / ("wb-tls-" + random_hex(6) + ".pem")) {
    REQUIRE(certificate.write(path_));
    setenv("SSL_CERT_FILE", path_.c_str(), 1);
  }
  ~Trust() {
    unsetenv("SSL_CERT_FILE");
    CHECK(remove_tree(path_));
  }

 private:
  std::filesystem::path path_;
};

// Takes one connection, and answers its requests for as long as it lasts.
class TlsServer {
 public:
  explicit TlsServer(const Certificate& certificate)
      : listener_(listen_on_tcp({"127.0.0.1", "0"}).value()), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_, certificate.certificate.get());
    SSL_CTX_use_PrivateKey(context_, certificate.key.get());
    port_ = port_of(listener_).value();
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    if (thread_.joinable()) thread_.join();
    SSL_CTX_free(context_);
  }
  HttpClient client() const { return HttpClient(ClientConfig{.server_url = "https://127.0.0.1:" + std::to_string(port_)}); }
  int wait_for_requests() {
    thread_.join();
    return requests_;
  }

 private:
  void serve() {
    pollfd entry{listener_.get(), POLLIN, 0};
    if (::poll(&entry, 1, 30'000) != 1) return;
    const Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    SSL* const session = SSL_new(context_);
    SSL_set_fd(session, socket.get());
    if (SSL_accept(session) == 1) {
      while (answer(session)) ++requests_;
    }
    SSL_free(session);
  }

  static bool answer(SSL* session) {
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos) {
      if (SSL_read(session, &byte, 1) != 1) return false;
      head += byte;
    }
    const std::string body(100'000, 's');
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return SSL_write(session, text.data(), static_cast<int>(text.size())) > 0;
  }

  Fd listener_;
  SSL_CTX* context_;
  uint16_t port_ = 0;
  int requests_ = 0;  // read after the thread has ended
  std::thread thread_;
};

struct Files {
  explicit Files(const Certificate& certificate)
      : folder(std::filesystem::temp_directory_path() / ("wb-tls-" + random_hex(6))),
        tls{folder / "certificate.pem", folder / "key.pem"} {
    REQUIRE(make_directories(folder));
    REQUIRE(certificate.write(tls.certificate));
    REQUIRE(certificate.write_key(tls.key));
  }
  ~Files() { CHECK(remove_tree(folder)); }
  std::filesystem::path folder;
  TlsFiles tls;
};

HttpClient client_of(const TestServer& server) {
  return HttpClient(ClientConfig{.server_url = "https://127.0.0.1:" + std::to_string(server.port())});
}

}  // namespace

TEST_CASE("requests travel over TLS on one connection") {
  const Certificate certificate("IP:127.0.0.1");
  const Trust trust(certificate);
  TlsServer server(certificate);
  {
    HttpClient client = server.client();
    for (int i = 0; i < 3; ++i) CHECK(client.send(get("/")).value().body.size() == 100'000);
  }
  CHECK(server.wait_for_requests() == 3);  // all on the one connection that it takes
}

TEST_CASE("a certificate that nobody vouches for is refused") {
  const Certificate certificate("IP:127.0.0.1");
  TlsServer server(certificate);
  const auto response = server.client().send(get("/"));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == &errors::server_unreachable);
  CHECK(response.error().hint.find("SSL_CERT_FILE") != std::string::npos);
}

TEST_CASE("a certificate for another server is refused") {
  const Certificate certificate("IP:127.0.0.2,DNS:localhost");
  const Trust trust(certificate);
  TlsServer server(certificate);
  const auto response = server.client().send(get("/"));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == &errors::server_unreachable);
}

TEST_CASE("a server that does not speak TLS is refused") {
  TestServer server;
  HttpClient client(ClientConfig{.server_url = "https://127.0.0.1:" + std::to_string(server.port())});
  const auto response = client.send(get("/"));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == &errors::server_unreachable);
}

TEST_CASE("requests and long bodies travel over TLS, many on one connection") {
  const Certificate certificate("IP:127.0.0.1");
  const Trust trust(certificate);
  const Files files(certificate);
  TestServer server;
  REQUIRE(server.server().use_tls(files.tls));
  HttpClient client = client_of(server);
  for (int i = 0; i < 200; ++i) {
    const auto response = client.send(post("/echo", std::to_string(i)));
    REQUIRE(response);
    REQUIRE(response->body == std::to_string(i));
  }
  CHECK(server.server().open_connections() == 1);
  ClientRequest upload = post("/count", std::string(5 << 20, 'x'));
  CHECK(client.send(upload).value().body == std::to_string(5 << 20));
  CHECK(client.send(get("/elsewhere")).value().body == "from the pool");
  size_t flooded = 0;
  const auto count = [&flooded](std::string_view bytes) {
    flooded += bytes.size();
    return true;
  };
  CHECK(client.stream(get("/flood"), count, 30s));
  CHECK(flooded == 1000 * 64 * 1024);
  // The Unix socket stays as it is.
  CHECK(server.unix_client().send(post("/echo", "plain")).value().body == "plain");
}

TEST_CASE("streams end over TLS, at the client's wish and at the server's") {
  const Certificate certificate("IP:127.0.0.1");
  const Trust trust(certificate);
  const Files files(certificate);
  TestServer server;
  REQUIRE(server.server().use_tls(files.tls));
  int pieces = 0;
  const auto three = [&pieces](std::string_view) { return ++pieces < 3; };
  CHECK(client_of(server).stream(get("/stream"), three, 30s));
  CHECK(pieces == 3);
  std::binary_semaphore heard(0);
  std::thread reader([&] {
    bool is_first = true;
    const auto listen = [&](std::string_view) {
      if (std::exchange(is_first, false)) heard.release();
      return true;
    };
    CHECK(client_of(server).stream(get("/stream"), listen, 30s));
  });
  heard.acquire();
  server.server().stop();
  reader.join();
  CHECK(server.streams_ended == 2);
}

TEST_CASE("a new certificate is for new connections, one that does not read changes nothing") {
  const Certificate first("IP:127.0.0.1"), second("IP:127.0.0.1");
  const Files first_files(first), second_files(second);
  TestServer server;
  REQUIRE(server.server().use_tls(first_files.tls));
  std::optional<HttpClient> early;
  {
    const Trust trust(first);
    early.emplace(client_of(server));
    CHECK(early->send(get("/elsewhere")));
    const Status unreadable = server.server().use_tls({second_files.folder / "none.pem", second_files.tls.key});
    REQUIRE_FALSE(unreadable);
    CHECK(unreadable.error().code == &errors::usage);
    CHECK(unreadable.error().message.find("none.pem") != std::string::npos);
    CHECK_FALSE(server.server().use_tls({second_files.tls.certificate, first_files.tls.key}));
    CHECK(client_of(server).send(get("/elsewhere")));
    REQUIRE(server.server().use_tls(second_files.tls));
    CHECK_FALSE(client_of(server).send(get("/elsewhere")));
  }
  const Trust trust(second);
  CHECK(client_of(server).send(get("/elsewhere")));
  CHECK(early->send(get("/elsewhere")));  // on its connection from before
}

TEST_CASE("who does not speak TLS is not answered, and holds nobody up") {
  const Certificate certificate("IP:127.0.0.1");
  const Trust trust(certificate);
  const Files files(certificate);
  TestServer server;
  REQUIRE(server.server().use_tls(files.tls));
  CHECK_FALSE(server.client().send(get("/elsewhere")));
  CHECK(client_of(server).send(get("/elsewhere")));
}
