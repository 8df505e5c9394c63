#include "operator/gateway/login/provider.h"

#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <thread>

#include "operator/gateway/login/testing/issuer.h"

namespace penstock::gateway::login {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SteppedClock : public SystemClock {
 public:
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point() + by;
  }
  std::chrono::seconds by{1'000};
};

class ProviderTest : public testing::Test {
 protected:
  ProviderTest() {
    settings_.issuer = issuer_.url;
    settings_.client_id = "penstock";
    settings_.client_secret = std::filesystem::path(testing::TempDir()) / "provider-secret";
    std::ofstream(settings_.client_secret) << issuer_.client_secret << "\n";
    settings_.redirect_uri = issuer_.redirect_uri;
    settings_.scopes = {"email"};
    settings_.claims.username_prefix = "-";
  }
  Provider& Made() {
    if (!provider_) provider_ = *Provider::Make(settings_, clock_);
    return *provider_;
  }
  // A whole log-in of Ada; the claims beside her name are the test's.
  Result<Person> LogIn(const Json& more = Json::object()) {
    Json person{{"sub", "ada"}};
    person.update(more);
    auto address = Made().AuthorizationUrl(attempt_, {});
    if (!address) return address.error();
    const auto back = FormOf(issuer_.LogIn(*address, person));
    EXPECT_EQ(back.at("state"), attempt_.state);
    return Made().Redeem(back.at("code"), attempt_, {});
  }
  std::string Refused() {
    const auto person = LogIn();
    EXPECT_FALSE(person);
    return person ? "" : person.error().message;
  }

  Issuer issuer_;
  ProviderSettings settings_;
  SteppedClock clock_;
  const Attempt attempt_{"state-1", "nonce-1", std::string(43, 'v'), "/"};
  std::unique_ptr<Provider> provider_;
};

TEST_F(ProviderTest, ACodeAndItsVerifierBecomeAPerson) {
  const auto person = LogIn();
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->user, "ada");
  EXPECT_EQ(issuer_.discoveries, 1);
  ASSERT_TRUE(LogIn());
  EXPECT_EQ(issuer_.discoveries, 1) << "what the issuer says of itself is kept";
  EXPECT_EQ(issuer_.key_requests, 1);
}

TEST_F(ProviderTest, AsksForOpenidAndWhatElseIsToBeAskedFor) {
  const auto address = *Made().AuthorizationUrl(attempt_, {});
  EXPECT_THAT(address, StartsWith(issuer_.url + "/authorize?response_type=code&"));
  EXPECT_THAT(address, HasSubstr("scope=openid%20email"));
  EXPECT_EQ(address.find(attempt_.verifier), std::string::npos);
}

TEST_F(ProviderTest, APublicClientHasNoSecretAndSaysWhoItIs) {
  issuer_.client_secret = "";
  settings_.client_secret = "";
  EXPECT_TRUE(LogIn());
}

TEST_F(ProviderTest, TheSecretGoesIntoTheBodyWhereTheIssuerTakesItNowhereElse) {
  issuer_.discovery = {{"token_endpoint_auth_methods_supported", {"client_secret_post"}}};
  EXPECT_TRUE(LogIn());
}

TEST_F(ProviderTest, AWrongSecretIsSaidAndNotShown) {
  std::ofstream(settings_.client_secret) << "wrong-secret";
  const std::string why = Refused();
  EXPECT_THAT(why, HasSubstr("invalid_client"));
  EXPECT_EQ(why.find("wrong-secret"), std::string::npos);
}

TEST_F(ProviderTest, ACodeOfAnotherVerifierOrASecondTimeIsNotTaken) {
  const auto address = *Made().AuthorizationUrl(attempt_, {});
  const std::string code = FormOf(issuer_.LogIn(address, {{"sub", "ada"}})).at("code");
  Attempt other = attempt_;
  other.verifier = std::string(43, 'w');
  EXPECT_THAT(Made().Redeem(code, other, {}).error().message, HasSubstr("invalid_grant"));
  EXPECT_TRUE(Made().Redeem(code, attempt_, {}));
  EXPECT_FALSE(Made().Redeem(code, attempt_, {}));
}

TEST_F(ProviderTest, ATokenOfAnotherLoginIssuerOrClientIsRefused) {
  for (const Json& wrong : {Json{{"nonce", "stolen"}}, Json{{"iss", "https://evil.example.com"}},
                            Json{{"aud", "other"}}, Json{{"exp", 1}}}) {
    issuer_.more = wrong;
    EXPECT_THAT(Refused(), HasSubstr("not accepted")) << wrong;
  }
}

TEST_F(ProviderTest, NewKeysOfTheIssuerAreFoundAndOldOnesForgotten) {
  ASSERT_TRUE(LogIn());
  const TokenSigner old = issuer_.signer;
  issuer_.signer = TokenSigner::Ec("second");
  issuer_.shown = {issuer_.signer};
  clock_.by += std::chrono::seconds(11);
  EXPECT_TRUE(LogIn());
  EXPECT_EQ(issuer_.key_requests, 2);
  issuer_.signer = old;  // somebody has got hold of the key that was taken back
  EXPECT_FALSE(LogIn());
}

TEST_F(ProviderTest, TokensOfUnknownKeysDoNotHaveTheIssuerAskedEachTime) {
  ASSERT_TRUE(LogIn());
  issuer_.signer = TokenSigner::Rsa("unknown");
  clock_.by += std::chrono::seconds(11);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(LogIn());
  EXPECT_EQ(issuer_.key_requests, 2);
}

TEST_F(ProviderTest, AnIssuerThatGoesAwayInTheMiddleOfALoginIsSaidByItsName) {
  const auto address = Made().AuthorizationUrl(attempt_, {});
  ASSERT_TRUE(address);
  const std::string code = FormOf(issuer_.LogIn(*address, {{"sub", "ada"}})).at("code");
  issuer_.down = true;
  const auto person = Made().Redeem(code, attempt_, {});
  ASSERT_FALSE(person);
  EXPECT_EQ(person.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(person.error().message, HasSubstr("the issuer " + issuer_.url + ": "));
}

TEST_F(ProviderTest, AnIssuerThatIsDownIsSaidToPassAndNotAskedBySeveralAtOnce) {
  issuer_.down = true;
  const auto first = Made().AuthorizationUrl(attempt_, {});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind, ErrorKind::kTransient);
  issuer_.down = false;
  EXPECT_FALSE(Made().AuthorizationUrl(attempt_, {})) << "told the same for five seconds";
  clock_.by += std::chrono::seconds(6);
  EXPECT_TRUE(Made().AuthorizationUrl(attempt_, {}));
  issuer_.down = true;
  clock_.by += std::chrono::hours(2);
  EXPECT_TRUE(Made().AuthorizationUrl(attempt_, {})) << "what was known goes on to hold";
}

TEST_F(ProviderTest, KeysThatCannotBeHadAreNotAskedForByEachAndOldOnesGoOnToHold) {
  issuer_.keys_down = true;
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Refused(), HasSubstr("the keys of the issuer"));
  EXPECT_EQ(issuer_.key_requests, 1) << "told the same for five seconds";
  issuer_.keys_down = false;
  clock_.by += std::chrono::seconds(6);
  ASSERT_TRUE(LogIn());
  issuer_.keys_down = true;
  clock_.by += std::chrono::hours(2);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(LogIn()) << "what was known goes on to hold";
  EXPECT_EQ(issuer_.key_requests, 3);
  issuer_.signer = TokenSigner::Ec("new");
  issuer_.shown = {issuer_.signer};
  const auto unknown = LogIn();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kTransient) << "it may be the issuer's";
  issuer_.keys_down = false;
  clock_.by += std::chrono::seconds(11);
  EXPECT_TRUE(LogIn());
}

TEST_F(ProviderTest, ALoginBeginsWhileTheIssuerIsSlowToGiveItsKeys) {
  ASSERT_TRUE(Made().AuthorizationUrl(attempt_, {}));
  issuer_.hold_keys.lock();
  const auto address = *Made().AuthorizationUrl(attempt_, {});
  const std::string code = FormOf(issuer_.LogIn(address, {{"sub", "ada"}})).at("code");
  std::optional<Result<Person>> person;
  std::thread redeeming([&] { person = Made().Redeem(code, attempt_, {}); });
  while (issuer_.key_requests == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  auto begun =
      std::async(std::launch::async, [&] { return Made().AuthorizationUrl(attempt_, {}); });
  EXPECT_EQ(begun.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  issuer_.hold_keys.unlock();
  redeeming.join();
  EXPECT_TRUE(begun.get());
  EXPECT_TRUE(*person);
}

TEST_F(ProviderTest, ADocumentOfAnotherIssuerOrWithoutTlsIsNotBelieved) {
  for (const Json& wrong :
       {Json{{"issuer", "https://evil.example.com"}},
        Json{{"token_endpoint", "http://issuer.example.com/token"}},
        Json{{"authorization_endpoint", "javascript:alert(1)"}}, Json{{"jwks_uri", nullptr}}}) {
    issuer_.discovery = wrong;
    provider_ = nullptr;
    EXPECT_FALSE(Made().AuthorizationUrl(attempt_, {})) << wrong;
  }
}

TEST_F(ProviderTest, AnIssuerOrRedirectWithoutTlsIsRefusedAtTheStart) {
  for (const char* issuer : {"http://issuer.example.com", "ftp://x", ""}) {
    settings_.issuer = issuer;
    EXPECT_FALSE(Provider::Make(settings_, clock_)) << issuer;
  }
  settings_.issuer = "https://issuer.example.com";
  settings_.redirect_uri = "http://penstock.example.com/callback";
  EXPECT_FALSE(Provider::Make(settings_, clock_));
}

}  // namespace
}  // namespace penstock::gateway::login
