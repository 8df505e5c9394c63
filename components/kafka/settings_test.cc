// What of a step's env and parameter leads to the brokers, and what is refused before anybody is
// asked.
#include "components/kafka/settings.h"

#include <gtest/gtest.h>

namespace penstock::kafka {
namespace {

Environment Login() {
  return {{"KAFKA_BOOTSTRAP_SERVERS", "kafka.example.com:9093"},
          {"KAFKA_SASL_USERNAME", "reader"},
          {"KAFKA_SASL_PASSWORD", "s3cret-word"}};
}

std::string Problem(const Environment& environment, const std::string& brokers = "") {
  const auto made = MakeProperties(environment, brokers);
  return made ? "" : made.error().message;
}

#define EXPECT_SAYS(text, part)                                                                \
  do {                                                                                         \
    const std::string expect_says_text = (text);                                               \
    EXPECT_NE(expect_says_text.find(part), std::string::npos) << "said: " << expect_says_text; \
    EXPECT_EQ(expect_says_text.find("s3cret-word"), std::string::npos) << expect_says_text;    \
  } while (false)

TEST(KafkaSettings, ALoginWithoutAWordOfTheProtocolGoesUnderTls) {
  const auto made = MakeProperties(Login(), "");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->at("security.protocol"), "SASL_SSL");
  EXPECT_EQ(made->at("ssl.endpoint.identification.algorithm"), "https");
  EXPECT_EQ(made->at("sasl.mechanisms"), "PLAIN");
  EXPECT_EQ(made->at("bootstrap.servers"), "kafka.example.com:9093");
}

TEST(KafkaSettings, NothingSaidIsPlaintextAndAnAuthorityIsTls) {
  EXPECT_EQ(MakeProperties({}, "a:9092")->at("security.protocol"), "PLAINTEXT");
  const auto file = MakeProperties({{"KAFKA_SSL_CA", "/etc/ca.pem"}}, "a:9092");
  EXPECT_EQ(file->at("security.protocol"), "SSL");
  EXPECT_EQ(file->at("ssl.ca.location"), "/etc/ca.pem");
  const auto pem = MakeProperties({{"KAFKA_SSL_CA", "-----BEGIN CERTIFICATE-----\n"}}, "a:9092");
  EXPECT_TRUE(pem->contains("ssl.ca.pem"));
}

TEST(KafkaSettings, AParameterDoesNotSendALoginElsewhere) {
  EXPECT_SAYS(Problem(Login(), "evil.example.com:9093"), "parameter brokers: refused");
  EXPECT_EQ(Problem(Login(), "kafka.example.com:9093"), "");
  Environment key{{"KAFKA_BOOTSTRAP_SERVERS", "a:9093"},
                  {"KAFKA_SSL_CERTIFICATE", "-----BEGIN"},
                  {"KAFKA_SSL_KEY", "-----BEGIN s3cret-word"}};
  EXPECT_SAYS(Problem(key, "b:9093"), "parameter brokers: refused");
}

TEST(KafkaSettings, ALoginIsNeverLeftUnusedWithoutAWord) {
  Environment plain = Login();
  plain["KAFKA_SECURITY_PROTOCOL"] = "PLAINTEXT";
  EXPECT_SAYS(Problem(plain), "KAFKA_SASL_PASSWORD of the step's env would not be used");
  plain["KAFKA_SECURITY_PROTOCOL"] = "SASL_PLAINTEXT";
  EXPECT_EQ(Problem(plain), "");
  plain["KAFKA_SSL_CA"] = "/ca.pem";
  EXPECT_SAYS(Problem(plain), "KAFKA_SSL_... of the step's env would not be used");
}

TEST(KafkaSettings, WhatIsHalfThereOrNotSpokenIsNamed) {
  EXPECT_SAYS(Problem({}), "KAFKA_BOOTSTRAP_SERVERS");
  EXPECT_SAYS(Problem({{"KAFKA_SASL_USERNAME", "reader"}}, "a:1"), "no KAFKA_SASL_PASSWORD");
  EXPECT_SAYS(Problem({{"KAFKA_SASL_PASSWORD", "s3cret-word"}}, "a:1"), "no KAFKA_SASL_USERNAME");
  EXPECT_SAYS(Problem({{"KAFKA_SSL_KEY", "s3cret-word"}}, "a:1"), "no KAFKA_SSL_CERTIFICATE");
  Environment odd = Login();
  odd["KAFKA_SASL_MECHANISM"] = "OAUTHBEARER";
  EXPECT_SAYS(Problem(odd), "'OAUTHBEARER' is not spoken");
  EXPECT_SAYS(Problem({{"KAFKA_SECURITY_PROTOCOL", "TLS"}}, "a:1"), "is none of PLAINTEXT");
  EXPECT_SAYS(Problem({{"KAFKA_SECURITY_PROTOCOL", "SASL_SSL"}}, "a:1"), "KAFKA_SASL_USERNAME");
  EXPECT_SAYS(Problem({}, "kafka://a:9092"), "parameter brokers is no list of brokers");
  EXPECT_SAYS(Problem({}, "user@a:9092"), "parameter brokers is no list of brokers");
}

}  // namespace
}  // namespace penstock::kafka
