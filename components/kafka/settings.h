// How to reach the brokers: what the step's env says, under what the parameter may say. Pure.
//
//   KAFKA_BOOTSTRAP_SERVERS      host:port,host:port
//   KAFKA_SASL_MECHANISM         PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
//   KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD
//   KAFKA_SSL_CA, KAFKA_SSL_CERTIFICATE, KAFKA_SSL_KEY   paths, or PEM itself
//   KAFKA_SSL_KEY_PASSWORD
//   KAFKA_SECURITY_PROTOCOL      PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT; without it TLS, where
//                                there is a password, an authority, or a certificate
#pragma once

#include <map>
#include <string>

#include "operator/base/result.h"

namespace penstock::kafka {

using Environment = std::map<std::string, std::string>;
using Properties = std::map<std::string, std::string>;  // as librdkafka names them

// The variables above, of this process.
[[nodiscard]] Environment KafkaEnvironment();

// Invalid, and names the variable, for half a login, for a mechanism or protocol that is not
// spoken, for a protocol that would leave a login or a certificate unused, and for a parameter
// `brokers` that would send a login of the env elsewhere. No error holds a value of a secret.
[[nodiscard]] Result<Properties> MakeProperties(const Environment& environment,
                                                const std::string& brokers);

}  // namespace penstock::kafka
