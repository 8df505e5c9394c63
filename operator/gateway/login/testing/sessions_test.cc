#include "operator/gateway/login/sessions.h"

#include <gmock/gmock.h>

#include <fstream>

#include "operator/gateway/login/client_certificate.h"

namespace penstock::gateway::login {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MovedClock : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(std::chrono::seconds(1'790'000'000)) + by; }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point() + by;
  }
  std::chrono::seconds by{0};
};

const std::string kSealKey(32, 'k');

class SessionTest : public testing::Test {
 protected:
  SessionTest() { std::filesystem::remove_all(ended_); }
  std::unique_ptr<Sessions> Open(const std::string& key = kSealKey) {
    auto opened = Sessions::Open(*Seal::Make(key), {std::chrono::hours(1), ended_}, clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  // As a browser sends back what it was given.
  static std::string Sent(const std::string& set_cookie) {
    return "other=1; " + set_cookie.substr(0, set_cookie.find(';'));
  }

  const std::filesystem::path ended_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("ended_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  MovedClock clock_;
  const Person ada_{"ada", {"ml", "leads"}};
};

TEST_F(SessionTest, TheCookieIsForThisHostOverTlsAloneAndOutOfScriptsReach) {
  const auto cookie = Open()->Begin(ada_);
  ASSERT_TRUE(cookie);
  EXPECT_THAT(*cookie, StartsWith("__Host-penstock-session="));
  EXPECT_THAT(*cookie, EndsWith("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600"));
  EXPECT_EQ(cookie->find("ada"), std::string::npos);
}

TEST_F(SessionTest, ASessionOutlivesTheGatewayAndEndsAtItsBound) {
  const std::string sent = Sent(*Open()->Begin(ada_));
  const auto again = Open();
  clock_.by = std::chrono::seconds(3'599);
  const auto session = again->Find(sent);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->person, ada_);
  clock_.by = std::chrono::seconds(3'600);
  EXPECT_FALSE(again->Find(sent));
}

TEST_F(SessionTest, NoOtherKeysCookieAndNoAlteredOneIsASession) {
  const auto sessions = Open();
  const std::string sent = Sent(*sessions->Begin(ada_));
  EXPECT_FALSE(Open(std::string(32, 'x'))->Find(sent));
  EXPECT_FALSE(sessions->Find(""));
  EXPECT_FALSE(sessions->Find("__Host-penstock-session="));
  EXPECT_FALSE(sessions->Find("__Host-penstock-session=eyJ1c2VyIjoiYWRhIn0"));
  EXPECT_FALSE(sessions->Find("penstock-session=" + sent.substr(sent.find("n=") + 2)));
  const std::size_t begin = sent.find("session=") + 8;
  for (std::size_t at = begin; at < sent.size(); at += 7) {
    std::string altered = sent;
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sessions->Find(altered)) << at;
  }
  EXPECT_FALSE(sessions->Find(sent.substr(0, sent.size() - 4)));
}

TEST_F(SessionTest, ALoginThatIsUnderWayIsNoSession) {
  const auto sessions = Open();
  const std::string sent = Sent(*sessions->Remember({"s", "n", "v", "/runs"}));
  const std::string value = sent.substr(sent.find("login=") + 6);
  EXPECT_EQ(sessions->Recall(sent)->verifier, "v");
  EXPECT_FALSE(sessions->Find("__Host-penstock-session=" + value));
  EXPECT_FALSE(sessions->Recall(Sent(*sessions->Begin(ada_))));
  clock_.by = std::chrono::minutes(10);
  EXPECT_FALSE(sessions->Recall(sent));
}

TEST_F(SessionTest, WhoLoggedOutIsOutWhereverTheCookieIsKeptAndAfterARestart) {
  const auto sessions = Open();
  const std::string sent = Sent(*sessions->Begin(ada_)), other = Sent(*sessions->Begin(ada_));
  ASSERT_TRUE(sessions->End(*sessions->Find(sent)));
  EXPECT_FALSE(sessions->Find(sent));
  EXPECT_FALSE(Open()->Find(sent));
  EXPECT_TRUE(Open()->Find(other));
}

TEST_F(SessionTest, WhoLoggedOutAtOneReplicaIsOutAtTheOtherToo) {
  const auto one = Open(), other = Open();
  const std::string first = Sent(*one->Begin(ada_)), second = Sent(*one->Begin(ada_));
  ASSERT_TRUE(other->Find(first));
  ASSERT_TRUE(one->End(*one->Find(first)));
  EXPECT_FALSE(other->Find(first));
  ASSERT_TRUE(other->Find(second));
  ASSERT_TRUE(other->End(*other->Find(second)));  // the last to write forgets nobody
  EXPECT_FALSE(one->Find(second));
  EXPECT_FALSE(other->Find(first));
  const auto restarted = Open();
  EXPECT_FALSE(restarted->Find(first));
  EXPECT_FALSE(restarted->Find(second));
}

std::size_t FilesIn(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_F(SessionTest, EndedSessionsWhoseTimeIsOverLeaveNothingOnTheVolume) {
  const auto sessions = Open();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(sessions->End(*sessions->Find(Sent(*sessions->Begin(ada_)))));
  std::ofstream(ended_ / "lost+found") << "of somebody else";
  EXPECT_EQ(FilesIn(ended_), 4U);
  clock_.by = std::chrono::hours(2);
  const std::string late = Sent(*sessions->Begin(ada_));
  ASSERT_TRUE(sessions->End(*sessions->Find(late)));
  EXPECT_EQ(FilesIn(ended_), 2U);
  EXPECT_FALSE(sessions->Find(late));
  clock_.by = std::chrono::hours(4);
  Open();
  EXPECT_EQ(FilesIn(ended_), 1U);
}

TEST_F(SessionTest, AFolderOfEndedSessionsThatCannotBeReadIsNoEmptyOne) {
  const auto sessions = Open();
  const std::string sent = Sent(*sessions->Begin(ada_));
  const auto session = *sessions->Find(sent);
  std::filesystem::remove_all(ended_);
  std::ofstream(ended_) << "no folder";
  EXPECT_FALSE(sessions->Find(sent));
  const auto ended = sessions->End(session);
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, HasSubstr("ended_"));
  EXPECT_FALSE(Sessions::Open(*Seal::Make(kSealKey), {std::chrono::hours(1), ended_}, clock_));
}

TEST_F(SessionTest, MoreGroupsThanABrowserKeepsAreNamed) {
  Person many{"ada", {}};
  for (int i = 0; i < 400; ++i) many.groups.push_back("group-" + std::to_string(i));
  const auto cookie = Open()->Begin(many);
  ASSERT_FALSE(cookie);
  EXPECT_EQ(cookie.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(cookie.error().message, HasSubstr("400 groups"));
}

TEST_F(SessionTest, AKeyThatCanBeGuessedIsRefused) {
  EXPECT_FALSE(Seal::Make(std::string(31, 'k')));
  EXPECT_FALSE(Seal::Make(std::string(31, 'k') + "\n\n"));
  EXPECT_TRUE(Seal::Make(std::string(32, 'k') + "\n"));
}

CertPtr CertificateOf(const std::string& name, const MovedClock& clock) {
  const auto key = NewKey();
  return *Certify({name, clock.Now(), clock.Now() + std::chrono::hours(1), true, ""}, *key, nullptr,
                  *key);
}

std::string Der(const CertPtr& certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

TEST_F(SessionTest, ACertificateNamesItsUserAndEndsWithItsTime) {
  const CertPtr certificate = CertificateOf("ada", clock_);
  const std::string der = Der(certificate);
  EXPECT_EQ(*PersonOfCertificate(der, clock_.Now(), Signer::kCluster), (Person{"ada", {}}));
  EXPECT_FALSE(PersonOfCertificate(der, clock_.Now() + std::chrono::hours(1), Signer::kCluster));
  EXPECT_FALSE(PersonOfCertificate(der, clock_.Now() - std::chrono::seconds(1), Signer::kCluster));
  EXPECT_FALSE(PersonOfCertificate(der.substr(0, 40), clock_.Now(), Signer::kCluster));
  X509_NAME_ENTRY_free(X509_NAME_delete_entry(X509_get_subject_name(certificate.get()), 0));
  X509_sign(certificate.get(), NewKey()->get(), EVP_sha256());
  const auto nameless = PersonOfCertificate(Der(certificate), clock_.Now(), Signer::kCluster);
  ASSERT_FALSE(nameless);
  EXPECT_THAT(nameless.error().message, HasSubstr("no common name"));
}

// The certificate of these, as an authority that takes any subject would sign it.
std::string Named(const std::string& user, const std::string& group, const MovedClock& clock) {
  const CertPtr certificate = CertificateOf("nobody", clock);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
  const auto add = [&](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  };
  add("CN", user);
  add("O", group);
  X509_sign(certificate.get(), NewKey()->get(), EVP_sha256());
  return Der(certificate);
}

TEST_F(SessionTest, ABlankCommonNameDoesNotActWithTheOperatorsRights) {
  const auto is_person = [&](const std::string& user, const std::string& group) {
    return PersonOfCertificate(Named(user, group, clock_), clock_.Now(), Signer::kCluster)
        .has_value();
  };
  EXPECT_TRUE(is_person("ada", "ml"));
  for (const std::string blank : {" ", "\t", "\n", "\u00a0", "\u2003", "\u3000"}) {
    EXPECT_FALSE(is_person(blank, "ml"));
    EXPECT_FALSE(is_person(blank + "ada", "ml"));
    EXPECT_FALSE(is_person("ada" + blank, "ml"));
    EXPECT_FALSE(is_person("ada", blank));
    EXPECT_FALSE(is_person("ada", blank + "system:masters"));
  }
}

TEST_F(SessionTest, AnAuthorityOfOnesOwnDoesNotMakeMastersOfTheCluster) {
  const auto person = [&](const std::string& user, const std::string& group, Signer signer) {
    return PersonOfCertificate(Named(user, group, clock_), clock_.Now(), signer);
  };
  EXPECT_TRUE(person("ada", "ml", Signer::kOther));
  for (const auto& [user, group] : std::vector<std::pair<std::string, std::string>>{
           {"ada", "system:masters"}, {"system:admin", "ml"}}) {
    EXPECT_TRUE(person(user, group, Signer::kCluster)) << "as kubectl's administrators are";
    const auto refused = person(user, group, Signer::kOther);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
    EXPECT_THAT(refused.error().message, HasSubstr("Kubernetes' own"));
  }
}

TEST_F(SessionTest, AuthoritiesAreReadBeforeTheyAreTrusted) {
  const std::string pem = ToPem(CertificateOf("ca", clock_));
  EXPECT_TRUE(CheckAuthorities(pem));
  EXPECT_TRUE(CheckAuthorities(pem + pem));
  EXPECT_FALSE(CheckAuthorities(""));
  EXPECT_FALSE(CheckAuthorities("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
}

TEST_F(SessionTest, WhatAServerShowsIsMadeAnewWhenItOrItsAuthoritiesChange) {
  auto below = std::make_shared<const net::TlsIdentity>(net::TlsIdentity{"chain", "key"});
  TlsWithClients tls([&] { return Result<std::shared_ptr<const net::TlsIdentity>>(below); });
  const auto first = *tls.Current();
  EXPECT_EQ(first->client_ca_pem, "");
  EXPECT_EQ(*tls.Current(), first);
  tls.Trust("a");
  const auto second = *tls.Current();
  EXPECT_EQ(second->client_ca_pem, "a");
  tls.Trust("a");
  EXPECT_EQ(*tls.Current(), second);
  below = std::make_shared<const net::TlsIdentity>(net::TlsIdentity{"chain 2", "key"});
  EXPECT_EQ((*tls.Current())->chain_pem, "chain 2");
  EXPECT_EQ((*tls.Current())->client_ca_pem, "a");
}

}  // namespace
}  // namespace penstock::gateway::login
