// People who log in, or show a certificate: how they come in, what a page of another site cannot
// have their browser do, and as whom they act.
#include <gmock/gmock.h>
#include <openssl/x509v3.h>

#include "operator/base/file.h"
#include "operator/gateway/api/cluster_authorities.h"
#include "operator/gateway/api/testing/api_fixture.h"
#include "operator/gateway/login/client_certificate.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kTeamRuns = "/namespaces/team/runs";
const Json kStart{{"pipeline", "flights"}};

class ApiLogin : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    AddLogin();
    client_.rights.insert("oidc:ada team");
    Start();
  }

  struct Way {
    std::string cookie;  // of the log-in that was begun
    std::string back;    // the query with which the issuer sends the browser back
  };
  Way Begin(const std::string& to = "",
            const Json& person = {{"sub", "ada"}, {"groups", {"ml"}}}) const {
    const auto begun = Ask("GET", "/auth/login" + (to.empty() ? "" : "?to=" + to), "");
    EXPECT_EQ(begun.status, 303) << begun.body;
    return {Sent(std::string(begun.Header("set-cookie"))),
            issuer_->LogIn(std::string(begun.Header("location")), person)};
  }
  net::HttpResponse Finish(const std::string& query, const std::string& cookie) const {
    return Ask("GET", "/auth/callback?" + query, "", {}, {{"Cookie", cookie}});
  }
  // A whole log-in: the header Cookie of the session.
  std::string LogIn() const {
    const Way way = Begin();
    const auto reply = Finish(way.back, way.cookie);
    EXPECT_EQ(reply.status, 303) << reply.body;
    return Sent(std::string(reply.Header("set-cookie")));
  }
  net::HttpResponse Write(const std::string& path, const std::string& cookie,
                          net::Headers more = {}) const {
    net::Headers headers{{"Cookie", cookie}, {"X-Penstock-Request", "1"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return Ask("POST", path, "", path == kTeamRuns ? kStart : Json::object(), headers);
  }
  std::string audit() {
    const std::lock_guard lock(audit_mutex_);
    return audit_;
  }
};

TEST_F(ApiLogin, WhoLogsInIsKnownByTheNameAndGroupsThatTheIssuerSays) {
  const Way way = Begin("/runs?phase=Failed");
  const auto reply = Finish(way.back, way.cookie);
  ASSERT_EQ(reply.status, 303) << reply.body;
  EXPECT_EQ(reply.Header("location"), "/runs?phase=Failed");
  EXPECT_EQ(reply.Header("cache-control"), "no-store");
  const std::string cookie = Sent(std::string(reply.Header("set-cookie")));
  const auto me = BodyOf(Ask("GET", "/me", "", {}, {{"Cookie", cookie}}));
  EXPECT_EQ(me["user"], "oidc:ada");
  EXPECT_EQ(me["groups"], Json::array({"oidc:ml", "system:authenticated"}));
  EXPECT_EQ(me["namespaces"], Json::array({"team"}));
  EXPECT_EQ(me["session"], true);
  EXPECT_EQ(client_.groups_of_the_last, me["groups"]) << "what is asked of the API server";
  EXPECT_FALSE(Get("/me").contains("session")) << "of a token";
  EXPECT_THAT(audit(), HasSubstr(R"({"audit":"login","outcome":"done","user":"oidc:ada"})"));
}

TEST_F(ApiLogin, ABrowserIsLedToAPathOfThisHostAndNowhereElse) {
  for (const char* to : {"//evil.example.com", "https://evil.example.com", "/%5Cevil.example.com",
                         "%2F%0D%0ASet-Cookie:%20a=b", "runs"}) {
    const Way way = Begin(to);
    EXPECT_EQ(Finish(way.back, way.cookie).Header("location"), "/") << to;
  }
}

TEST_F(ApiLogin, AnAnswerThatThisBrowserDidNotAskForLogsNobodyIn) {
  const Way ada = Begin(), eve = Begin("", {{"sub", "eve"}});
  for (const auto& [query, cookie] : std::vector<std::pair<std::string, std::string>>{
           {eve.back, ada.cookie},  // a log-in of somebody else's is put upon Ada
           {ada.back, ""},          // no log-in was begun
           {ada.back, "__Host-penstock-login=forged"},
           {ada.back + "x", ada.cookie},  // another issuer's answer
           {"code=code-1", ada.cookie},   // no state
           {ada.back.substr(ada.back.find("state=")), ada.cookie},
           {"error=access_denied&" + ada.back, ada.cookie}}) {
    const auto reply = Finish(query, cookie);
    EXPECT_EQ(reply.status, 403) << query << reply.body;
    EXPECT_EQ(reply.Header("set-cookie"), "") << query;
  }
  EXPECT_EQ(Finish(ada.back, ada.cookie).status, 303) << "the code was shown to nobody before";
  EXPECT_EQ(Finish(ada.back, ada.cookie).status, 403) << "and is good once";
  EXPECT_THAT(audit(), HasSubstr("access_denied"));
  EXPECT_EQ(audit().find("code-1"), std::string::npos);
}

TEST_F(ApiLogin, WhoBeganNoLoginDoesNotFillTheAuditLog) {
  for (const char* cookie : {"", "__Host-penstock-login=forged"})
    EXPECT_EQ(Finish("code=a&state=b&error=c", cookie).status, 403);
  EXPECT_EQ(audit(), "");
  EXPECT_EQ(Finish("code=a&state=b", Begin().cookie).status, 403);
  EXPECT_THAT(audit(), HasSubstr("begun no such log-in"));
}

TEST_F(ApiLogin, ATokenThatIsNotToBeTrustedIsNoSession) {
  for (const Json& wrong : {Json{{"nonce", "n"}}, Json{{"aud", "x"}}, Json{{"iss", "x"}},
                            Json{{"exp", 1}}, Json{{"sub", nullptr}}}) {
    issuer_->more = wrong;
    const Way way = Begin();
    const auto reply = Finish(way.back, way.cookie);
    EXPECT_EQ(reply.status, 403) << wrong << reply.body;
    EXPECT_EQ(reply.Header("set-cookie"), "");
  }
}

TEST_F(ApiLogin, WhileTheIssuerIsAwayThatIsSaid) {
  issuer_->down = true;
  const auto reply = Ask("GET", "/auth/login", "");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr(issuer_->url));
  EXPECT_EQ(reply.Header("retry-after"), "1");
}

TEST_F(ApiLogin, WhoLogsOutIsOutWithEveryCopyOfTheCookie) {
  const std::string cookie = LogIn();
  const auto out = Write("/auth/logout", cookie);
  ASSERT_EQ(out.status, 200) << out.body;
  EXPECT_THAT(out.Header("set-cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(Ask("GET", "/me", "", {}, {{"Cookie", cookie}}).status, 401);
  EXPECT_EQ(Write("/auth/logout", cookie).status, 401);
}

TEST_F(ApiLogin, APageOfAnotherSiteCannotWriteWithASession) {
  const std::string cookie = LogIn();
  const std::string here = "127.0.0.1:" + std::to_string(server_->port());
  for (const net::Headers& told :
       {net::Headers{{"Origin", "https://evil.example.com"}}, net::Headers{{"Origin", "null"}},
        net::Headers{{"Origin", "http://" + here}}, net::Headers{{"Sec-Fetch-Site", "same-site"}},
        net::Headers{{"Sec-Fetch-Site", "cross-site"}}}) {
    for (const std::string& path : {kTeamRuns, std::string("/auth/logout")}) {
      const auto reply = Write(path, cookie, told);
      EXPECT_EQ(reply.status, 403) << path << told[0].second << reply.body;
    }
  }
  EXPECT_EQ(Ask("POST", kTeamRuns, "", kStart, {{"Cookie", cookie}}).status, 403);
  EXPECT_TRUE(acted_as_.empty());
  EXPECT_EQ(
      Write(kTeamRuns, cookie, {{"Origin", "https://" + here}, {"Sec-Fetch-Site", "same-origin"}})
          .status,
      201);
}

TEST_F(ApiLogin, WhatIsDoneIsDoneUnderTheCallersNameAndNotTheOperators) {
  const auto reply = Write(kTeamRuns, LogIn());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_TRUE(tokens_used_.empty());
  ASSERT_EQ(acted_as_.size(), 1U);
  const net::Headers as{{"Impersonate-User", "oidc:ada"}, {"Impersonate-Group", "oidc:ml"}};
  EXPECT_EQ(acted_as_[0], as);
  const std::string name = BodyOf(reply)["name"];
  const Json run = cluster_.Get(kube::kPipelineRuns, "team", name).value();
  EXPECT_EQ(run["metadata"]["annotations"]["penstock.dev/submitted-by"], "oidc:ada");
}

TEST_F(ApiLogin, WhoHasNoRightDoesNotGetAsFarAsActing) {
  client_.rights.erase("oidc:ada team");
  client_.readers.insert("oidc:ada team");
  EXPECT_EQ(Write(kTeamRuns, LogIn()).status, 403);
  EXPECT_TRUE(acted_as_.empty());
}

TEST_F(ApiLogin, NobodyActsWithoutAName) {
  Caller nobody;
  EXPECT_FALSE(Impersonation(nobody));
  nobody.by_gateway = true;
  EXPECT_FALSE(Impersonation(nobody));
  nobody.by_gateway = false;
  nobody.user = "alice";
  EXPECT_FALSE(Impersonation(nobody)) << "she has a token of her own";
}

TEST_F(ApiLogin, ABlankNameIsNotSentToTheApiServerAsNobody) {
  for (const char* blank : {" ", "\t", " ada", "ada\r\n", "\u00a0", "a\nImpersonate-Group: b"}) {
    Caller caller;
    caller.by_gateway = true;
    caller.user = blank;
    EXPECT_FALSE(Impersonation(caller)) << blank;
    caller.user = "ada";
    EXPECT_TRUE(Impersonation(caller));
    caller.groups = {"ml", blank};
    EXPECT_FALSE(Impersonation(caller)) << blank;
    issuer_->more = {{"sub", "ada"}, {"groups", {blank}}};
    const Way way = Begin();
    EXPECT_EQ(Finish(way.back, way.cookie).status, 403) << blank;
  }
}

TEST_F(ApiLogin, AStreamOfASessionEndsWithIt) {
  const std::string cookie = LogIn();
  net::HttpRequest request;
  request.target = std::string(kApiRoot) + "/events?namespace=team";
  request.headers = {{"Cookie", cookie}};
  bool ended = false;
  request.on_body = [&](std::string_view) -> Result<bool> {
    if (!ended) {
      ended = true;
      EXPECT_TRUE(sessions_->End(*sessions_->Find(cookie)));
      metadata::RunRecord run;
      run.uid = run.name = "next";
      run.namespace_ = "team";
      recorder_->RecordRun(run);
    }
    return true;
  };
  auto client = net::HttpClient::Make("http://127.0.0.1:" + std::to_string(server_->port()), {});
  const auto reply = (*client)->Send(request, {.idle = std::chrono::seconds(10)});
  EXPECT_TRUE(ended);
  EXPECT_TRUE(reply) << "the gateway closes it: " << reply.error().message;
}

// The API over TLS that asks for certificates of an authority.
class ApiCertificates : public ApiTest {
 protected:
  struct Made {
    CertPtr certificate;
    KeyPtr key;
  };
  static Made Make(const std::string& name, const Made* issuer, std::chrono::hours life) {
    const auto now = std::chrono::system_clock::now();
    const KeyPtr key = *NewKey();
    const CertRequest request{name, now - std::chrono::hours(2), now + life, issuer == nullptr,
                              "IP:127.0.0.1"};
    return {*Certify(request, key, issuer == nullptr ? nullptr : issuer->certificate,
                     issuer == nullptr ? key : issuer->key),
            key};
  }
  // As kubectl's certificates are: for clients, with organizations.
  static Made Person(const std::string& name, const std::vector<std::string>& groups,
                     const Made& issuer, std::chrono::hours life = std::chrono::hours(1),
                     const char* use = "clientAuth") {
    Made made = Make(name, &issuer, life);
    X509* const raw = made.certificate.get();
    X509_NAME* const subject = X509_get_subject_name(raw);
    for (const std::string& group : groups)
      X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(group.c_str()), -1, -1, 0);
    X509_EXTENSION_free(X509_delete_ext(raw, X509_get_ext_by_NID(raw, NID_ext_key_usage, -1)));
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, use);
    X509_add_ext(raw, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(raw, issuer.key.get(), EVP_sha256());
    return made;
  }

  void SetUp() override {
    ApiTest::SetUp();
    AddLogin();
    client_.rights.insert("ada team");
    const auto shown = std::make_shared<const net::TlsIdentity>(
        net::TlsIdentity{ToPem(server_made_.certificate), ToPem(server_made_.key)});
    tls_with_clients_ = std::make_unique<login::TlsWithClients>(
        [shown] { return Result<std::shared_ptr<const net::TlsIdentity>>(shown); });
    tls_with_clients_->Trust(ToPem(authority_.certificate));
    tls_ = [this] { return tls_with_clients_->Current(); };
    Start();
  }

  std::shared_ptr<net::HttpClient> ClientOf(const Made* person) const {
    net::HttpClientOptions options;
    options.tls.ca_pem = ToPem(server_authority_.certificate);
    if (person != nullptr) {
      options.tls.certificate_pem = ToPem(person->certificate);
      options.tls.key_pem = ToPem(person->key);
    }
    return *net::HttpClient::Make("https://127.0.0.1:" + std::to_string(server_->port()), options);
  }
  Result<net::HttpResponse> With(const Made* person, const std::string& target = "/me",
                                 net::Headers headers = {}, const Json& body = {}) const {
    return Over(*ClientOf(person), target, std::move(headers), body);
  }
  static Result<net::HttpResponse> Over(net::HttpClient& client, const std::string& target = "/me",
                                        net::Headers headers = {}, const Json& body = {}) {
    net::HttpRequest request;
    request.target = kApiRoot + target;
    request.headers = std::move(headers);
    if (!body.is_null()) {
      request.method = "POST";
      request.body = body.dump();
    }
    return client.Send(request, {.idle = std::chrono::seconds(10)});
  }

  const Made server_authority_ = Make("server-ca", nullptr, std::chrono::hours(1));
  const Made server_made_ = Make("gateway", &server_authority_, std::chrono::hours(1));
  const Made authority_ = Make("client-ca", nullptr, std::chrono::hours(1));
  std::unique_ptr<login::TlsWithClients> tls_with_clients_;
};

TEST_F(ApiCertificates, OneOfTheAuthoritySaysWhoItsHolderIs) {
  const Made ada = Person("ada", {"ml", "leads"}, authority_);
  const auto me = With(&ada);
  ASSERT_TRUE(me) << me.error().message;
  EXPECT_EQ(BodyOf(*me)["user"], "ada");
  EXPECT_EQ(BodyOf(*me)["groups"], Json::array({"ml", "leads", "system:authenticated"}));
  EXPECT_EQ(BodyOf(*me)["namespaces"], Json::array({"team"}));
  const auto made = With(&ada, kTeamRuns, {{"X-Penstock-Request", "1"}}, kStart);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_THAT(acted_as_, ElementsAre(net::Headers{{"Impersonate-User", "ada"},
                                                  {"Impersonate-Group", "ml"},
                                                  {"Impersonate-Group", "leads"}}));
}

TEST_F(ApiCertificates, NoneIsNeededAndNoHeaderIsOne) {
  EXPECT_EQ(With(nullptr, "/me", {{"Authorization", "Bearer alice-token"}})->status, 200);
  EXPECT_EQ(With(nullptr)->status, 401);
  for (const char* name : {"X-Remote-User", "X-Forwarded-User", "X-Client-Cert", "X-SSL-Client-CN",
                           "Impersonate-User", "X-Forwarded-Client-Cert"})
    EXPECT_EQ(With(nullptr, "/me", {{name, "ada"}})->status, 401) << name;
}

TEST_F(ApiCertificates, OneOfAnotherAuthorityAnExpiredOneAndAServersAreNoGood) {
  const Made stranger = Make("client-ca", nullptr, std::chrono::hours(1));
  const Made forged = Person("ada", {}, stranger);
  const Made old = Person("ada", {}, authority_, std::chrono::hours(-1));
  const Made server = Person("ada", {}, authority_, std::chrono::hours(1), "serverAuth");
  for (const Made* one : {&forged, &old, &server}) {
    const auto reply = With(one);
    EXPECT_FALSE(reply && reply->status == 200) << reply->body;
  }
}

TEST_F(ApiCertificates, ATokenCountsBeforeACertificate) {
  const Made ada = Person("ada", {}, authority_);
  EXPECT_EQ(BodyOf(*With(&ada, "/me", {{"Authorization", "Bearer bob-token"}}))["user"], "bob");
  EXPECT_EQ(With(&ada, "/me", {{"Authorization", "Bearer made-up"}})->status, 401);
}

TEST_F(ApiCertificates, APageOfAnotherSiteCannotWriteWithOne) {
  const Made ada = Person("ada", {}, authority_);
  const auto reply =
      With(&ada, kTeamRuns, {{"X-Penstock-Request", "1"}, {"Origin", "https://evil.example.com"}},
           kStart);
  EXPECT_EQ(reply->status, 403);
  EXPECT_THAT(reply->body, HasSubstr("another site"));
}

TEST_F(ApiCertificates, AuthoritiesThatChangeHoldForTheNextConnection) {
  const Made next = Make("next-ca", nullptr, std::chrono::hours(1));
  const Made ada = Person("ada", {}, authority_), eve = Person("eve", {}, next);
  EXPECT_EQ(With(&ada)->status, 200);
  tls_with_clients_->Trust(ToPem(next.certificate));
  const auto before = With(&ada);
  EXPECT_FALSE(before && before->status == 200);
  EXPECT_EQ(BodyOf(*With(&eve))["user"], "eve");
  tls_with_clients_->Trust("");
  EXPECT_EQ(With(&eve)->status, 401) << "nobody is asked for one";
}

TEST_F(ApiCertificates, WhomAnAuthorityLetInGoesWhenItIsTakenAway) {
  const Made next = Make("next-ca", nullptr, std::chrono::hours(1));
  const Made ada = Person("ada", {}, authority_);
  const auto client = ClientOf(&ada);
  ASSERT_EQ(Over(*client)->status, 200);
  tls_with_clients_->Trust(ToPem(authority_.certificate) + ToPem(next.certificate));
  const auto still = Over(*client);
  EXPECT_EQ(still->status, 200) << "it is one of them";
  EXPECT_EQ(still->Header("connection"), "close");
  ASSERT_EQ(Over(*client)->status, 200);
  tls_with_clients_->Trust(ToPem(next.certificate));
  const auto refused = Over(*client);
  ASSERT_TRUE(refused) << "the connection is the one that was open: " << refused.error().message;
  EXPECT_EQ(refused->status, 401) << refused->body;
  EXPECT_EQ(refused->Header("connection"), "close");
}

TEST_F(ApiCertificates, AStreamEndsWhenTheAuthorityIsTakenAway) {
  const Made ada = Person("ada", {}, authority_);
  net::HttpRequest request;
  request.target = std::string(kApiRoot) + "/events?namespace=team";
  bool taken = false;
  request.on_body = [&](std::string_view) -> Result<bool> {
    if (!taken) {
      taken = true;
      tls_with_clients_->Trust("");
      metadata::RunRecord run;
      run.uid = run.name = "next";
      run.namespace_ = "team";
      recorder_->RecordRun(run);
    }
    return true;
  };
  const auto reply = ClientOf(&ada)->Send(request, {.idle = std::chrono::seconds(10)});
  EXPECT_TRUE(taken);
  // The gateway closes it, and says so by TCP alone.
  EXPECT_THAT(reply ? "" : reply.error().message, AnyOf("", HasSubstr("truncated")));
}

TEST_F(ApiCertificates, AClusterThatNamesNoAuthorityAnyMoreTrustsNone) {
  const Made ada = Person("ada", {}, authority_);
  const auto trusted = [&] { return (*tls_with_clients_->Current())->client_ca_pem; };
  const std::string pem = ToPem(Make("cluster-ca", nullptr, std::chrono::hours(1)).certificate);
  Json map{{"metadata", {{"name", "extension-apiserver-authentication"}}},
           {"data", {{"client-ca-file", pem}}}};
  ASSERT_TRUE(cluster_.Create(kube::kConfigMaps, "kube-system", map));
  ASSERT_TRUE(TrustCluster(cluster_, *tls_with_clients_, {}));
  EXPECT_EQ(trusted(), pem);
  const auto now = [&](const Json& data) {
    const auto patched =
        cluster_.MergePatch(kube::kConfigMaps, "kube-system", "extension-apiserver-authentication",
                            {{"data", data}}, {}, {});
    EXPECT_TRUE(patched) << patched.error().message;
    return TrustCluster(cluster_, *tls_with_clients_, {});
  };
  const auto broken = now({{"client-ca-file", "-----BEGIN CERTIFICATE-----\nAAAA\n"}});
  ASSERT_FALSE(broken);
  EXPECT_EQ(trusted(), pem) << "in trouble what was known holds on";
  for (const Json& none : {Json("\n"), Json(nullptr)}) {
    tls_with_clients_->Trust(pem);
    const auto without = now({{"client-ca-file", none}});
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(trusted(), "");
  }
}

TEST_F(ApiCertificates, AnAuthorityWhoseOwnSignerIsNotNamedIsOneAllTheSame) {
  const auto now = std::chrono::system_clock::now();
  const KeyPtr key = *NewKey();
  const CertRequest request{"team-ca", now - std::chrono::hours(2), now + std::chrono::hours(1),
                            true, ""};
  const Made team{*Certify(request, key, authority_.certificate, authority_.key), key};
  tls_with_clients_->Trust(ToPem(team.certificate));
  const Made ada = Person("ada", {}, team), eve = Person("eve", {}, authority_);
  const auto me = With(&ada);
  ASSERT_TRUE(me) << me.error().message;
  EXPECT_EQ(me->status, 200) << me->body;
  const auto other = With(&eve);
  EXPECT_FALSE(other && other->status == 200) << "the root itself is not trusted";
}

}  // namespace
}  // namespace penstock::gateway
