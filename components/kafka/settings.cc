#include "components/kafka/settings.h"

#include <array>
#include <cstdlib>
#include <set>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

constexpr std::array kVariables{
    "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM",
    "KAFKA_SASL_USERNAME",     "KAFKA_SASL_PASSWORD",     "KAFKA_SSL_CA",
    "KAFKA_SSL_CERTIFICATE",   "KAFKA_SSL_KEY",           "KAFKA_SSL_KEY_PASSWORD"};

std::string Lookup(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// What librdkafka reads of a PEM that stands in a variable, or of the file that it names.
void AddPem(const Environment& environment, const char* variable, const std::string& property,
            Properties& out) {
  const std::string value = Lookup(environment, variable);
  if (value.empty()) return;
  const bool pem = value.find("-----BEGIN") != std::string::npos;
  out[property + (pem ? ".pem" : ".location")] = value;
}

// Host and port, or several with commas between them.
Result<void> CheckBrokers(const std::string& brokers, const char* from) {
  if (brokers.find_first_of(" \t\r\n@/") == std::string::npos && brokers.find(",,") == brokers.npos)
    return {};
  return Invalid(std::string(from) + " is no list of brokers: host:port,host:port, without spaces" +
                 ", a scheme or a login");
}

Result<void> AddLogin(const Environment& environment, Properties& out) {
  const std::string user = Lookup(environment, "KAFKA_SASL_USERNAME");
  const std::string password = Lookup(environment, "KAFKA_SASL_PASSWORD");
  std::string mechanism = Lookup(environment, "KAFKA_SASL_MECHANISM");
  if (user.empty() && password.empty() && mechanism.empty()) return {};
  if (user.empty() || password.empty()) {
    return Invalid(std::string("the step's env has no ") +
                   (user.empty() ? "KAFKA_SASL_USERNAME" : "KAFKA_SASL_PASSWORD") +
                   " beside the rest of a login; give it from a Secret");
  }
  if (mechanism.empty()) mechanism = "PLAIN";
  static const std::set<std::string> kKnown{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  if (!kKnown.contains(mechanism)) {
    return Invalid("KAFKA_SASL_MECHANISM: '" + plan::Shown(mechanism, 60) +
                   "' is not spoken; PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are");
  }
  out["sasl.mechanisms"] = mechanism;
  out["sasl.username"] = user;
  out["sasl.password"] = password;
  return {};
}

Result<void> AddCertificates(const Environment& environment, Properties& out) {
  AddPem(environment, "KAFKA_SSL_CA", "ssl.ca", out);
  AddPem(environment, "KAFKA_SSL_CERTIFICATE", "ssl.certificate", out);
  AddPem(environment, "KAFKA_SSL_KEY", "ssl.key", out);
  const bool certificate = !Lookup(environment, "KAFKA_SSL_CERTIFICATE").empty();
  if (certificate != !Lookup(environment, "KAFKA_SSL_KEY").empty()) {
    return Invalid(std::string("the step's env has ") +
                   (certificate ? "KAFKA_SSL_CERTIFICATE and no KAFKA_SSL_KEY"
                                : "KAFKA_SSL_KEY and no KAFKA_SSL_CERTIFICATE") +
                   "; give both, from a Secret");
  }
  if (const auto word = Lookup(environment, "KAFKA_SSL_KEY_PASSWORD"); !word.empty())
    out["ssl.key.password"] = word;
  return {};
}

// Without a word of it, what protects most of what is there.
Result<void> AddProtocol(const Environment& environment, Properties& out) {
  const bool login = out.contains("sasl.password");
  bool certificates = false;
  for (const auto& [name, value] : out) certificates = certificates || name.starts_with("ssl.");
  std::string protocol = Lookup(environment, "KAFKA_SECURITY_PROTOCOL");
  if (protocol.empty()) protocol = login ? "SASL_SSL" : certificates ? "SSL" : "PLAINTEXT";
  static const std::set<std::string> kKnown{"PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"};
  if (!kKnown.contains(protocol)) {
    return Invalid("KAFKA_SECURITY_PROTOCOL: '" + plan::Shown(protocol, 60) +
                   "' is none of PLAINTEXT, SSL, SASL_SSL and SASL_PLAINTEXT");
  }
  const bool sasl = protocol.starts_with("SASL_");
  if (sasl && !login) {
    return Invalid("KAFKA_SECURITY_PROTOCOL is " + protocol +
                   ", and the step's env has no KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD");
  }
  const bool tls = protocol.ends_with("SSL");
  if ((login && !sasl) || (certificates && !tls)) {
    return Invalid("KAFKA_SECURITY_PROTOCOL is " + protocol + ", by which " +
                   (login && !sasl ? "KAFKA_SASL_PASSWORD" : "KAFKA_SSL_...") +
                   " of the step's env would not be used; take one of the two away");
  }
  out["security.protocol"] = protocol;
  if (tls) out["ssl.endpoint.identification.algorithm"] = "https";
  return {};
}

}  // namespace

Environment KafkaEnvironment() {
  Environment environment;
  for (const char* name : kVariables) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') environment[name] = value;
  }
  return environment;
}

Result<Properties> MakeProperties(const Environment& environment, const std::string& brokers) {
  Properties out;
  PENSTOCK_TRY(AddLogin(environment, out));
  PENSTOCK_TRY(AddCertificates(environment, out));
  PENSTOCK_TRY(AddProtocol(environment, out));
  const std::string given = Lookup(environment, "KAFKA_BOOTSTRAP_SERVERS");
  PENSTOCK_TRY(CheckBrokers(given, "KAFKA_BOOTSTRAP_SERVERS"));
  PENSTOCK_TRY(CheckBrokers(brokers, "parameter brokers"));
  if (given.empty() && brokers.empty()) {
    return Invalid(
        "no broker is named: set KAFKA_BOOTSTRAP_SERVERS in the step's env, or the parameter "
        "brokers, to host:port");
  }
  const bool secret =
      out.contains("sasl.password") || !Lookup(environment, "KAFKA_SSL_KEY").empty();
  if (secret && !brokers.empty() && brokers != given) {
    return Invalid(
        "parameter brokers: refused beside a login or a key of the step's env, which it would send "
        "elsewhere; give KAFKA_BOOTSTRAP_SERVERS in the step's env");
  }
  out["bootstrap.servers"] = brokers.empty() ? given : brokers;
  return out;
}

}  // namespace penstock::kafka
