// TLS and bearer tokens before a ModelDeployment's servers, over real sockets.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>

#include "components/router/edge/testing/signing.h"
#include "components/router/proxy/testing/router_fixture.h"
#include "operator/base/file.h"

namespace penstock::router {
namespace {

// A client under TLS that trusts whatever it is shown, and says what that was.
class SecureClient {
 public:
  explicit SecureClient(std::uint16_t port, int most = TLS1_3_VERSION,
                        const std::string& alpn = "") {
    std::signal(SIGPIPE, SIG_IGN);
    connection_ = ConnectTo(port);
    if (!connection_) return;
    timeval wait{10, 0};
    setsockopt(connection_->fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    SSL_CTX_set_max_proto_version(context_.get(), most);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    if (!alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    SSL_set_fd(ssl_.get(), connection_->fd());
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] std::string CommonName() const {
    X509* const shown = SSL_get0_peer_certificate(ssl_.get());
    char name[64] = "";
    if (shown != nullptr)
      X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    return name;
  }
  [[nodiscard]] std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  bool Send(const std::string& bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // One message by its Content-Length; what came until the end, where it ends before.
  [[nodiscard]] std::string Read() {
    std::string message;
    std::size_t whole = std::string::npos;
    while (message.size() < whole && More(&message)) {
      const auto head = message.find("\r\n\r\n");
      const auto length = message.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos)
        whole = head + 4 + std::stoul(message.substr(length + 16));
    }
    return message;
  }
  [[nodiscard]] std::string Ask(const std::string& request) {
    return Send(request) ? Read() : "not sent";
  }
  // The end was told, not cut off.
  [[nodiscard]] bool EndsInOrder() {
    std::string rest;
    while (More(&rest)) {
    }
    return rest.empty() && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  bool More(std::string* message) {
    char piece[8192];
    const int n = SSL_read(ssl_.get(), piece, sizeof piece);
    if (n > 0) message->append(piece, static_cast<std::size_t>(n));
    ERR_clear_error();
    return n > 0;
  }
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
};

class Edge : public RouterTest {
 protected:
  Edge() {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "penstock-edge-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.look_every = std::chrono::milliseconds(10);
    options_.threads = 1;
  }
  ~Edge() override {
    router_ = nullptr;
    std::filesystem::remove_all(folder_);
  }
  void Put(const std::string& file, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / file, text));
  }
  void PutCertificate(const std::string& common_name, const TestKey& key = NewEcKey(),
                      std::chrono::seconds until = std::chrono::hours(1)) {
    Put("tls.crt", CertificateOf(key, common_name, until));
    Put("tls.key", PemOf(key));
  }
  void AskForTls() { route_.tls = {"flights-tls", folder_ / "tls.crt", folder_ / "tls.key"}; }
  // Tokens of key_ as "k", from a file.
  void AskForTokens() {
    Put("jwks.json", Json{{"keys", {JwkOf(key_, "k")}}}.dump());
    route_.tokens = {"https://issuer",
                     {"flights"},
                     "",
                     folder_ / "jwks.json",
                     "ConfigMap issuer, key jwks.json"};
  }
  [[nodiscard]] static std::string Bearer(const TestKey& key, std::int64_t seconds,
                                          const std::string& id = "k") {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    return "Authorization: Bearer " +
           TokenOf({{"alg", "ES256"}, {"kid", id}},
                   {{"iss", "https://issuer"}, {"aud", "flights"}, {"exp", now + seconds}}, key) +
           "\r\n";
  }
  [[nodiscard]] EdgeView View() const { return router_->Look().routes->deployments.at(0)->edge; }

  std::filesystem::path folder_;
  TestKey key_ = NewEcKey();
};

TEST_F(Edge, AnswersUnderTlsWhatAPlainPortWould) {
  FakeServer server(Echo("a"));
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  SecureClient client(port_);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.CommonName(), "flights");
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(BodyOf(client.Ask(Post("/v2/models/m/infer", std::to_string(i)))),
              "a POST /v2/models/m/infer " + std::to_string(i));
  EXPECT_EQ(server.connections(), 1);
  client.Send(Get("/1") + Get("/2"));
  EXPECT_EQ(BodyOf(client.Ask(Get("/3"))).substr(0, 8), "a GET /1");
}

TEST_F(Edge, CarriesBodiesThatAreLargerThanAnyBuffer) {
  FakeServer server(Echo("a"));
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  SecureClient client(port_);
  std::string body(5U << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  std::thread sends([&] { EXPECT_TRUE(client.Send(Post("/v2/models/m/infer", body))); });
  sends.join();
  EXPECT_EQ(BodyOf(client.Read()), "a POST /v2/models/m/infer " + body);
}

TEST_F(Edge, SpeaksTls12AndNewerAndHttp11Alone) {
  FakeServer server(Echo("a"));
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  EXPECT_TRUE(SecureClient(port_, TLS1_2_VERSION).connected());
  EXPECT_FALSE(SecureClient(port_, TLS1_1_VERSION).connected());
  EXPECT_EQ(SecureClient(port_, TLS1_3_VERSION, "\x02h2\x08http/1.1").Protocol(), "http/1.1");
  EXPECT_FALSE(SecureClient(port_, TLS1_3_VERSION, "\x02h2").connected());
}

TEST_F(Edge, TellsAClientWithoutTlsAndPassesNothingOn) {
  FakeServer server(Echo("a"));
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  const std::string answer = Ask(Get("/"));
  EXPECT_EQ(answer.find("HTTP/1.1 400"), 0U) << answer;
  EXPECT_NE(answer.find("ask by https"), std::string::npos);
  const auto noise = Client();
  noise->Send("\x01\x02\x03\x04 no hello of any kind");
  EXPECT_TRUE(noise->IsClosed() || noise->HasInput(std::chrono::seconds(1)));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Edge, APlainConnectionFromBeforeIsAskedForTlsToo) {
  FakeServer server(Echo("a"));
  Serve(server);
  const auto old = Client();
  old->Send(Get("/"));
  EXPECT_EQ(BodyOf(old->Read()), "a GET / ");
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  old->Send(Get("/"));
  EXPECT_EQ(old->Read().find("HTTP/1.1 400"), 0U);
}

TEST_F(Edge, WithoutACertificateNobodyIsAnsweredAndItIsTold) {
  FakeServer server(Echo("a"));
  AskForTls();
  Serve(server);
  EXPECT_TRUE(Client()->IsClosed());
  EXPECT_FALSE(SecureClient(port_).connected());
  EXPECT_EQ(View().certificate_trouble,
            "Secret flights-tls: tls.crt is not there: it takes a Secret of type "
            "kubernetes.io/tls");
  PutCertificate("flights");  // as soon as there is one, all is well
  EXPECT_TRUE(Eventually([&] { return View().tls != nullptr; }));
  EXPECT_EQ(View().certificate_trouble, "");
  EXPECT_EQ(BodyOf(SecureClient(port_).Ask(Get("/"))), "a GET / ");
}

TEST_F(Edge, ARenewedCertificateIsShownToNewConnectionsWhileOldOnesLiveOn) {
  FakeServer server(Echo("a"));
  PutCertificate("first");
  AskForTls();
  Serve(server);
  SecureClient old(port_);
  EXPECT_EQ(BodyOf(old.Ask(Get("/"))), "a GET / ");
  std::atomic<bool> done{false};
  std::atomic<int> asked{0};
  std::atomic<int> failed{0};
  std::thread others([&] {
    while (!done) {
      SecureClient client(port_);
      if (!client.connected() || BodyOf(client.Ask(Get("/"))) != "a GET / ") ++failed;
      ++asked;
    }
  });
  for (int i = 0; i < 5; ++i) PutCertificate("renewed " + std::to_string(i), NewEcKey());
  PutCertificate("last", NewRsaKey());
  EXPECT_TRUE(Eventually([&] { return SecureClient(port_).CommonName() == "last"; }));
  done = true;
  others.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(asked, 0);
  EXPECT_EQ(BodyOf(old.Ask(Get("/"))), "a GET / ");
  EXPECT_EQ(old.CommonName(), "first");
  EXPECT_EQ(View().certificate_trouble, "");
}

TEST_F(Edge, ARenewalThatCannotBeUsedIsToldAndTheOneBeforeGoesOn) {
  FakeServer server(Echo("a"));
  PutCertificate("good");
  AskForTls();
  Serve(server);
  const std::string crt = ReadFile(folder_ / "tls.crt").value();
  const auto why = [&](const std::string& part) {
    const bool told =
        Eventually([&] { return View().certificate_trouble.find(part) != std::string::npos; });
    EXPECT_TRUE(told) << View().certificate_trouble;
    EXPECT_NE(View().certificate_trouble.find("the certificate before it is shown still"),
              std::string::npos);
    EXPECT_EQ(SecureClient(port_).CommonName(), "good");
  };
  Put("tls.key", PemOf(NewEcKey()));
  why("tls.key is not the key of the certificate in tls.crt");
  Put("tls.key", "no key");
  why("tls.key holds no private key in PEM");
  Put("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  why("tls.crt holds no certificate in PEM");
  Put("tls.crt", crt + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  why("a certificate of the chain in tls.crt cannot be read");
  std::filesystem::remove(folder_ / "tls.crt");
  why("tls.crt is not there");
  PutCertificate("better");
  EXPECT_TRUE(Eventually([&] { return View().certificate_trouble.empty(); }));
  EXPECT_EQ(SecureClient(port_).CommonName(), "better");
}

TEST_F(Edge, AnEmptySecretIsToldAndAnEmptyKeySetToo) {
  FakeServer server(Echo("a"));
  Put("tls.crt", "");
  Put("tls.key", "");
  AskForTls();
  AskForTokens();
  Put("jwks.json", "");
  Serve(server);
  EXPECT_TRUE(Client()->IsClosed());
  EXPECT_NE(View().certificate_trouble.find("tls.crt holds no certificate in PEM"),
            std::string::npos);
  EXPECT_NE(View().keys_trouble.find("no token is taken"), std::string::npos);
}

TEST_F(Edge, ACertificateThatHasExpiredIsTold) {
  FakeServer server(Echo("a"));
  PutCertificate("flights", NewEcKey(), std::chrono::seconds(-60));
  AskForTls();
  Serve(server);
  EXPECT_NE(View().certificate_trouble.find("the certificate has expired at 20"),
            std::string::npos);
  EXPECT_TRUE(SecureClient(port_).connected());
}

TEST_F(Edge, AHandshakeThatDoesNotComeOnIsEndedAndCostsOthersNothing) {
  FakeServer server(Echo("a"));
  PutCertificate("flights");
  AskForTls();
  options_.limits.head_time = std::chrono::milliseconds(200);
  Serve(server);
  const auto silent = Client();
  const auto half = Client();
  half->Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_EQ(BodyOf(SecureClient(port_).Ask(Get("/"))), "a GET / ");
  EXPECT_TRUE(silent->IsClosed());
  EXPECT_TRUE(half->IsClosed());
  EXPECT_TRUE(Eventually([&] { return router_->Look().connections == 0; }));
}

TEST_F(Edge, EndsAnAnswerUnderTlsSoThatNothingCanBeCutOffUnseen) {
  FakeServer server([](Connection& connection) {
    (void)connection.Read();
    connection.Send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  SecureClient client(port_);
  client.Send(Get("/"));
  const std::string answer = client.Read();
  EXPECT_NE(answer.find("until the end"), std::string::npos) << answer;
  EXPECT_TRUE(client.EndsInOrder());
}

TEST_F(Edge, ARequestWithAnExpiredTokenNeverReachesAServer) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  for (const std::string& headers :
       {std::string(), Bearer(key_, -60), Bearer(NewEcKey(), 60), Bearer(key_, 60, "another"),
        Bearer(key_, 60) + Bearer(key_, 60), std::string("Authorization: Basic YTpi\r\n")}) {
    const std::string answer = Ask(Post("/v2/models/m/infer", "{}", headers));
    EXPECT_EQ(answer.find("HTTP/1.1 401 Unauthorized\r\n"), 0U) << answer;
    EXPECT_NE(answer.find("WWW-Authenticate: Bearer"), std::string::npos);
    EXPECT_EQ(BodyOf(answer), "{\"error\":\"a bearer token is required that is valid here\"}\n")
        << "the same, whatever is wrong";
  }
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(Live().unauthorized, 6);
}

TEST_F(Edge, ATokenThatHoldsPassesAndIsKeptFromTheServer) {
  std::string seen;
  FakeServer server([&](Connection& connection) {
    seen = connection.Read();
    connection.Send(Ok("fine"));
  });
  AskForTokens();
  Serve(server);
  EXPECT_EQ(BodyOf(Ask(Post("/v2/models/m/infer", "{}", Bearer(key_, 60) + "X-Other: 1\r\n"))),
            "fine");
  EXPECT_EQ(seen.find("uthorization"), std::string::npos) << seen;
  EXPECT_NE(seen.find("X-Other: 1\r\n"), std::string::npos) << seen;
  EXPECT_EQ(BodyOf(seen), "{}");
}

TEST_F(Edge, ProbesOfHealthNeedNoTokenAndNothingElsePassesAsOne) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  for (const char* open : {"/v2/health/live", "/v2/health/ready", "/v2/models/m/ready",
                           "/v2/models/m/versions/1/ready", "/healthz", "/readyz"})
    EXPECT_EQ(Ask(Get(open)).find("HTTP/1.1 200"), 0U) << open;
  for (const char* shut :
       {"/metrics", "/v2/models/m", "/v2/models/m/infer", "/v2/models/../admin/ready",
        "/v2/models/m%2f..%2fx/ready", "/v2/models/m/infer?a=/ready", "/v2/models/m/x/ready",
        "/v2/models/m/versions/x/ready", "/v2/ready", "/v2/models//ready", "//healthz",
        "/healthz/../v2/models/m/infer"})
    EXPECT_EQ(Ask(Get(shut)).find("HTTP/1.1 401"), 0U) << shut;
  EXPECT_EQ(Ask(Post("/v2/health/ready", "x")).find("HTTP/1.1 401"), 0U);
  EXPECT_EQ(
      Ask("GET /healthz HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n\r\nx").find("HTTP/1.1 401"),
      0U);
}

TEST_F(Edge, KeysThatAreRotatedAreTakenUpAndThoseThatAreGoneCountNoMore) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  const TestKey next = NewEcKey();
  const auto passes = [&](const TestKey& key, const std::string& id) {
    return Ask(Post("/v2/models/m/infer", "", Bearer(key, 60, id))).find("HTTP/1.1 200") == 0;
  };
  EXPECT_TRUE(passes(key_, "k"));
  EXPECT_FALSE(passes(next, "n"));
  Put("jwks.json", Json{{"keys", {JwkOf(key_, "k"), JwkOf(next, "n")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return passes(next, "n"); }));
  EXPECT_TRUE(passes(key_, "k"));
  Put("jwks.json", Json{{"keys", {JwkOf(next, "n")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return !passes(key_, "k"); }));
  EXPECT_TRUE(passes(next, "n"));
  Put("jwks.json", "{");
  EXPECT_TRUE(Eventually([&] { return !View().keys_trouble.empty(); }));
  EXPECT_NE(View().keys_trouble.find("ConfigMap issuer, key jwks.json: "), std::string::npos);
  EXPECT_TRUE(passes(next, "n")) << "the keys before it are used still";
}

TEST_F(Edge, WithoutKeysNoTokenPassesAndItIsTold) {
  FakeServer server(Echo("a"));
  AskForTokens();
  std::filesystem::remove(folder_ / "jwks.json");
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60))).find("HTTP/1.1 401"), 0U);
  EXPECT_EQ(View().keys_trouble,
            "ConfigMap issuer, key jwks.json: it is not there; no token is taken");
  // In the spec itself they are there at once, and those of the file are forgotten.
  route_.tokens->keys = Json{{"keys", {JwkOf(key_, "k")}}}.dump();
  route_.tokens->keys_file.clear();
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60))).find("HTTP/1.1 200"), 0U);
  route_.tokens->issuer = "https://another";
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60))).find("HTTP/1.1 401"), 0U);
}

}  // namespace
}  // namespace penstock::router
