// TLS before a ModelDeployment's servers, over real sockets.
#include "components/router/proxy/testing/edge_fixture.h"

namespace penstock::router {
namespace {

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

TEST_F(Edge, ASecretThatComesEmptyIsToldAndTheRouterGoesOn) {
  FakeServer server(Echo("a"));
  AskForTls();
  Serve(server);
  EXPECT_TRUE(Client()->IsClosed());
  Put("tls.crt", "");
  Put("tls.key", "");
  EXPECT_TRUE(Eventually([&] {
    return View().certificate_trouble.find("tls.crt holds no certificate in PEM") !=
           std::string::npos;
  })) << View().certificate_trouble;
  EXPECT_TRUE(Client()->IsClosed());
  route_.tls.reset();  // asked for no more, and again: the same empty text is judged anew
  Serve(server);
  EXPECT_EQ(BodyOf(Ask(Get("/"))), "a GET / ");
  AskForTls();
  Serve(server);
  EXPECT_NE(View().certificate_trouble, "");
  PutCertificate("flights");
  EXPECT_TRUE(Eventually([&] { return View().tls != nullptr; }));
  EXPECT_EQ(BodyOf(SecureClient(port_).Ask(Get("/"))), "a GET / ");
}

TEST_F(Edge, ATargetMayNameTheSchemeOfItsConnection) {
  FakeServer server(Echo("a"));
  const std::string whole = "GET https://flights/x HTTP/1.1\r\nHost: m\r\n\r\n";
  Serve(server);
  EXPECT_EQ(Ask(whole).find("HTTP/1.1 400"), 0U) << "it is not of this port";
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  EXPECT_EQ(BodyOf(SecureClient(port_).Ask(whole)), "a GET /x ");
}

TEST_F(Edge, ARequestThatWaitedInPlainIsAskedForTlsBeforeAServerSeesIt) {
  FakeServer server(Echo("a"));
  Use({{.version = 1, .weight = kWhole}});
  const auto old = Client();
  old->Send(Post("/v2/models/m/infer", "1"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
  PutCertificate("flights");
  AskForTls();
  Serve(server);
  const std::string answer = old->Read();
  EXPECT_EQ(answer.find("HTTP/1.1 400"), 0U) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(Live().held, 0);
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

}  // namespace
}  // namespace penstock::router
