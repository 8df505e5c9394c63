#include "operator/s3/credentials.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/file.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::s3 {
namespace {
namespace fs = std::filesystem;

class FakeClock : public Clock {
 public:
  TimePoint Now() const override { return now; }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(now.time_since_epoch());
  }
  TimePoint now = ParseTime("2026-11-30T00:00:00Z").value();
};

class S3Credentials : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void Write(const char* name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, text));
  }
  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      (std::string("credentials_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  FakeClock clock_;
};

TEST_F(S3Credentials, AChangedSecretIsTakenUpWithinAMinuteOrWhenTheOldOneWasRefused) {
  const auto keys = KeysOfFolder(folder_, clock_);
  const auto none = keys->Keys({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kForbidden);
  EXPECT_NE(none.error().message.find("AWS_ACCESS_KEY_ID"), std::string::npos);
  Write("AWS_ACCESS_KEY_ID", "first\n");
  Write("AWS_SECRET_ACCESS_KEY", "secret\n");
  EXPECT_EQ(keys->Keys({})->access_key, "first");
  EXPECT_EQ(keys->Keys({})->session_token, "");
  Write("AWS_ACCESS_KEY_ID", "second");
  EXPECT_EQ(keys->Keys({})->access_key, "first");
  clock_.now += std::chrono::seconds(61);
  EXPECT_EQ(keys->Keys({})->access_key, "second");
  Write("AWS_ACCESS_KEY_ID", "third");
  Write("AWS_SESSION_TOKEN", "session");
  keys->Refused();
  EXPECT_EQ(keys->Keys({})->access_key, "third");
  EXPECT_EQ(keys->Keys({})->session_token, "session");
}

TEST_F(S3Credentials, TakesARoleAgainstATokenAndRenewsItBeforeItEnds) {
  Write("token", "projected-1\n");
  std::atomic<int> asked{0};
  std::atomic<bool> down{false};
  net::FakeServer sts([&](net::FakeConnection& c) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      sts.Record(request);
      if (down) {
        c.Answer(500, "<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>");
        continue;
      }
      const int n = ++asked;
      const TimePoint until = clock_.now + std::chrono::hours(1);
      c.Answer(
          200,
          "<AssumeRoleWithWebIdentityResponse "
          "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
          "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>key-" +
              std::to_string(n) +
              "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
              "<Expiration>" +
              FormatTime(until) +
              "</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
              "</AssumeRoleWithWebIdentityResponse>");
    }
  });
  auto made = KeysOfWebIdentity(
      {.role_arn = "arn:aws:iam::1:role/r", .token_file = folder_ / "token", .endpoint = sts.url()},
      clock_);
  ASSERT_TRUE(made) << made.error().message;
  Credentials& keys = **made;
  EXPECT_EQ(keys.Keys({})->access_key, "key-1");
  EXPECT_EQ(keys.Keys({})->session_token, "t");
  EXPECT_EQ(keys.Left(), std::chrono::hours(1));
  EXPECT_NE(sts.requests()[0].find("WebIdentityToken=projected-1"), std::string::npos);
  EXPECT_NE(sts.requests()[0].find("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"), std::string::npos);
  Write("token", "projected-2");
  clock_.now += std::chrono::minutes(50);
  EXPECT_EQ(keys.Keys({})->access_key, "key-2");
  EXPECT_NE(sts.requests()[1].find("WebIdentityToken=projected-2"), std::string::npos);
  down = true;
  clock_.now += std::chrono::minutes(50);
  EXPECT_EQ(keys.Keys({})->access_key, "key-2") << "those that still do go on";
  const std::size_t requests = sts.requests().size();
  EXPECT_EQ(keys.Keys({})->access_key, "key-2");
  EXPECT_EQ(sts.requests().size(), requests) << "not each waits for what does not answer";
  clock_.now += std::chrono::minutes(11);
  const auto over = keys.Keys({});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kTransient) << over.error().message;
  EXPECT_NE(over.error().message.find("arn:aws:iam::1:role/r"), std::string::npos);
}

TEST_F(S3Credentials, OfTheEnvironmentAreKeysOrARoleOrSaidToBeMissing) {
  EXPECT_EQ(
      (*KeysOfEnvironment({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}}, {}, clock_))
          ->Keys({})
          ->access_key,
      "a");
  EXPECT_TRUE(KeysOfEnvironment({{"AWS_ROLE_ARN", "arn"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", "/none"}},
                                {}, clock_));
  const auto none = KeysOfEnvironment({{"AWS_ACCESS_KEY_ID", "a"}}, {}, clock_);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("AWS_WEB_IDENTITY_TOKEN_FILE"), std::string::npos);
}

}  // namespace
}  // namespace penstock::s3
