#include "operator/gateway/signature.h"

#include <gmock/gmock.h>

#include <map>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

using Signed = std::map<std::string, std::string>;

HeaderOf In(Signed headers) {
  return [headers = std::move(headers)](const std::string& name) {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  };
}

TimePoint At(std::int64_t seconds) { return TimePoint{std::chrono::seconds(seconds)}; }

std::string Hex(const std::string& bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", c);
    out += two;
  }
  return out;
}

// The example of GitHub's documentation of X-Hub-Signature-256.
TEST(WebhookSignature, FitsGitHubsOwnExample) {
  const Signed headers{{"X-Hub-Signature-256",
                        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
                       {"X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"}};
  const std::string key = "It's a Secret to Everybody";
  const auto verdict = Verify(key, In(headers), "Hello, World!", At(0));
  EXPECT_TRUE(verdict.fits);
  EXPECT_EQ(verdict.trouble, "");
  EXPECT_EQ(verdict.delivery, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
  EXPECT_TRUE(Verify(key + "\n", In(headers), "Hello, World!", At(0)).fits)
      << "a file's last line break is not part of the key";
  EXPECT_FALSE(Verify(key, In(headers), "Hello, World", At(0)).fits);
  EXPECT_FALSE(Verify(key + "x", In(headers), "Hello, World!", At(0)).fits);
  EXPECT_FALSE(Verify("", In(headers), "Hello, World!", At(0)).fits);
}

TEST(WebhookSignature, OfGitHubsFormIsHexOfTheWholeLength) {
  const std::string key(16, 'k');
  const std::string good = Hex(HmacSha256(key, "{}"));
  const auto fits = [&](const std::string& signature) {
    return Verify(key, In({{"X-Hub-Signature-256", signature}, {"X-GitHub-Delivery", "1"}}), "{}",
                  At(0))
        .fits;
  };
  EXPECT_TRUE(fits("sha256=" + good));
  for (const std::string& bad :
       {std::string(), std::string("sha256="), good, "sha1=" + good, "sha256=" + good.substr(2),
        "sha256=" + good + "00", "sha256=zz" + good.substr(2), "sha256=+1" + good.substr(2)})
    EXPECT_FALSE(fits(bad)) << bad;
}

TEST(WebhookSignature, NeedsAnIdOfTheDelivery) {
  const std::string key(16, 'k');
  Signed headers{{"X-Hub-Signature-256", "sha256=" + Hex(HmacSha256(key, "{}"))}};
  auto verdict = Verify(key, In(headers), "{}", At(0));
  EXPECT_TRUE(verdict.fits);
  EXPECT_THAT(verdict.trouble, HasSubstr("X-GitHub-Delivery is missing"));
  headers["X-GitHub-Delivery"] = std::string(257, 'a');
  EXPECT_THAT(Verify(key, In(headers), "{}", At(0)).trouble, HasSubstr("is no id"));
  headers["X-GitHub-Delivery"] = "a b";
  EXPECT_THAT(Verify(key, In(headers), "{}", At(0)).trouble, HasSubstr("is no id"));
}

const std::string kStandard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kMessage = R"({"test": 2432232314})";
constexpr std::int64_t kSentAt = 1614265330;

Signed StandardHeaders() {
  return {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
          {"webhook-timestamp", std::to_string(kSentAt)},
          {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
}

// The vector that the libraries of Standard Webhooks share.
TEST(WebhookSignature, FitsTheVectorOfStandardWebhooks) {
  const auto verdict = Verify(kStandard, In(StandardHeaders()), kMessage, At(kSentAt));
  EXPECT_TRUE(verdict.fits);
  EXPECT_EQ(verdict.trouble, "");
  EXPECT_EQ(verdict.delivery, "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_FALSE(Verify(kStandard, In(StandardHeaders()), kMessage + " ", At(kSentAt)).fits);
  for (const char* header : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
    Signed without = StandardHeaders();
    without.erase(header);
    EXPECT_FALSE(Verify(kStandard, In(without), kMessage, At(kSentAt)).fits) << header;
    Signed other = StandardHeaders();
    other[header] += "1";
    EXPECT_FALSE(Verify(kStandard, In(other), kMessage, At(kSentAt)).fits) << header;
  }
}

TEST(WebhookSignature, TakesAnyOfSeveralSignatures) {
  Signed headers = StandardHeaders();
  headers["webhook-signature"] =
      "v1a,AAAA v1,AAAA v1,!! " + headers["webhook-signature"] + " v1,BBBB";
  EXPECT_TRUE(Verify(kStandard, In(headers), kMessage, At(kSentAt)).fits);
  headers["webhook-signature"] = std::string(headers["webhook-signature"]).replace(0, 0, "  ");
  EXPECT_TRUE(Verify(kStandard, In(headers), kMessage, At(kSentAt)).fits);
}

TEST(WebhookSignature, OfStandardWebhooksHoldsForFiveMinutes) {
  const auto trouble = [&](std::int64_t now) {
    const auto verdict = Verify(kStandard, In(StandardHeaders()), kMessage, At(now));
    EXPECT_TRUE(verdict.fits);
    return verdict.trouble;
  };
  EXPECT_EQ(trouble(kSentAt + 300), "");
  EXPECT_EQ(trouble(kSentAt - 300), "");
  EXPECT_THAT(trouble(kSentAt + 301), HasSubstr("more than 5 minutes from"));
  EXPECT_THAT(trouble(kSentAt - 301), HasSubstr("more than 5 minutes from"));
}

TEST(WebhookSignature, RefusesATimeThatIsNoneThoughItIsSigned) {
  for (const char* time : {"", "soon", "-1", "1614265330.5", "99999999999999999999"}) {
    Signed headers{{"webhook-id", "a"}, {"webhook-timestamp", time}};
    const auto key = DecodeBase64(kStandard.substr(6)).value();
    headers["webhook-signature"] =
        "v1," + EncodeBase64(HmacSha256(key, std::string("a.") + time + "." + kMessage));
    const auto verdict = Verify(kStandard, In(headers), kMessage, At(kSentAt));
    EXPECT_TRUE(verdict.fits) << time;
    EXPECT_THAT(verdict.trouble, HasSubstr("webhook-timestamp")) << time;
  }
}

// A delivery of the one form, captured, must not pass as one of the other, where no time is signed.
TEST(WebhookSignature, OfOneFormIsNotTakenForTheOther) {
  const auto key = DecodeBase64(kStandard.substr(6)).value();
  const std::string text =
      "msg_p5jXN8AQM9LWM0D4loKWxJek." + std::to_string(kSentAt) + "." + kMessage;
  const Signed headers{{"X-Hub-Signature-256", "sha256=" + Hex(HmacSha256(key, text))},
                       {"X-GitHub-Delivery", "another"}};
  EXPECT_FALSE(Verify(kStandard, In(headers), text, At(kSentAt)).fits);
}

TEST(WebhookSignature, TellsWhatIsWrongWithAKey) {
  EXPECT_EQ(TroubleOfKey(kStandard), "");
  EXPECT_EQ(TroubleOfKey(std::string(16, 'k')), "");
  EXPECT_THAT(TroubleOfKey(std::string(15, 'k') + "\r\n"), HasSubstr("it has 15 bytes"));
  EXPECT_THAT(TroubleOfKey(""), HasSubstr("it has 0 bytes"));
  EXPECT_THAT(TroubleOfKey("whsec_AAAA"), HasSubstr("it has 3 bytes"));
  EXPECT_THAT(TroubleOfKey("whsec_?"), HasSubstr("no base64"));
}

}  // namespace
}  // namespace penstock::gateway
