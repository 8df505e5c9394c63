#include "components/kafka/session.h"

#include <array>

#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

std::string Said(const char* text) {
  std::string out = text == nullptr ? "" : text;
  for (char& c : out) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return plan::Shown(out, 400);
}

Error Of(ErrorKind kind, std::string message) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

constexpr int kHandshakes = 3;

// Beside what the step says. Memory: 2 MiB are fetched ahead of a partition.
const Properties kOurs{{"client.id", "penstock"},
                       {"enable.partition.eof", "true"},
                       {"check.crcs", "true"},
                       {"queued.max.messages.kbytes", "2048"},
                       {"queued.min.messages", "10000"},
                       {"fetch.message.max.bytes", "1048576"},
                       {"fetch.max.bytes", "16777216"},
                       {"message.max.bytes", "16777216"},
                       {"socket.keepalive.enable", "true"},
                       {"socket.connection.setup.timeout.ms", "10000"},
                       {"reconnect.backoff.max.ms", "2000"},
                       {"log.connection.close", "false"},
                       {"allow.auto.create.topics", "false"}};

}  // namespace

Session::Session(const TopicSettings& settings)
    : settings_(settings), begun_(std::chrono::steady_clock::now()), heard_(begun_) {}

Session::~Session() {
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
  if (client_ != nullptr) rd_kafka_destroy(client_);
}

void Session::OnError(rd_kafka_t* /*client*/, int err, const char* reason, void* opaque) {
  auto& self = *static_cast<Session*>(opaque);
  const auto code = static_cast<rd_kafka_resp_err_t>(err);
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !self.last_.empty()) return;
  self.last_ = Said(reason);
  const bool login = code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                     code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
  self.refused_ = self.refused_ || login;
  if (code == RD_KAFKA_RESP_ERR__SSL) ++self.untrusted_;
}

Result<void> Session::Begin() {
  Properties all = kOurs;
  for (const auto& [name, value] : settings_.properties) all[name] = value;
  all["isolation.level"] = settings_.committed ? "read_committed" : "read_uncommitted";
  std::unique_ptr<rd_kafka_conf_t, void (*)(rd_kafka_conf_t*)> conf(rd_kafka_conf_new(),
                                                                    rd_kafka_conf_destroy);
  std::array<char, 512> why{};
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      return Invalid("the setting " + name + " is refused by librdkafka");  // `why` has its value
    }
  }
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  client_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), why.data(), why.size());
  if (client_ == nullptr) return Invalid("the connection's settings: " + Said(why.data()));
  (void)conf.release();  // the client's now
  rd_kafka_topic_conf_t* topic = rd_kafka_topic_conf_new();
  rd_kafka_topic_conf_set(topic, "auto.offset.reset", "error", why.data(), why.size());
  rd_kafka_topic_conf_set(topic, "auto.commit.enable", "false", why.data(), why.size());
  topic_ = rd_kafka_topic_new(client_, settings_.topic.c_str(), topic);
  if (topic_ == nullptr) return ErrorOf(rd_kafka_last_error(), "topic '" + settings_.topic + "'");
  return {};
}

// Before 2.6.1 its last message of SCRAM repeats a part, which brokers since 3.8.1 refuse
// (confluentinc/librdkafka#4895).
std::string Session::ScramAdvice() const {
  constexpr int kMended = 0x02060100;
  const auto mechanism = settings_.properties.find("sasl.mechanisms");
  const bool scram =
      mechanism != settings_.properties.end() && mechanism->second.starts_with("SCRAM");
  if (!scram || rd_kafka_version() >= kMended) return "";
  return std::string("; by SCRAM librdkafka ") + rd_kafka_version_str() +
         ", which this program runs on, cannot log in at brokers from 3.8.1 on whatever the "
         "password is (2.6.1 can): take PLAIN under TLS, or a certificate";
}

std::string Session::Cluster() const {
  char* id = rd_kafka_clusterid(client_, 1000);
  std::string out = id == nullptr ? "" : id;
  if (id != nullptr) rd_kafka_mem_free(client_, id);
  return out;
}

Result<void> Session::Listen() {
  rd_kafka_poll(client_, 0);
  // A broker that goes down breaks one off too.
  if (untrusted_ >= kHandshakes)
    return Of(ErrorKind::kUntrusted, "TLS with the broker failed: " + last_);
  if (refused_) {
    return Of(ErrorKind::kForbidden, "the broker refuses the login: " + last_ + ScramAdvice());
  }
  if (std::chrono::steady_clock::now() - begun_ < settings_.timeout) return {};
  return Of(ErrorKind::kDeadline,
            "it took longer than the parameter timeout, " + FormatDuration(settings_.timeout));
}

bool Session::Waited() const {
  return std::chrono::steady_clock::now() - heard_ >= settings_.patience;
}

Error Session::Away(const std::string& doing) {
  return Transient("nothing came for " + FormatDuration(settings_.patience) + " from " +
                   plan::Shown(settings_.properties.at("bootstrap.servers"), 200) + ", " + doing +
                   (last_.empty() ? "" : "; last: " + last_));
}

bool Session::Passes(rd_kafka_resp_err_t err) {
  switch (err) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:  // the brokers' list is not here yet
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      return true;
    default:
      return false;
  }
}

Error Session::ErrorOf(rd_kafka_resp_err_t err, const std::string& what) {
  const std::string message = what + ": " + Said(rd_kafka_err2str(err));
  switch (err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Of(ErrorKind::kForbidden, message + " (it takes the rights Describe and Read)");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return NotFound(message);
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
      return Of(ErrorKind::kDamaged, message + ": what the broker keeps there is damaged");
    default:
      return Passes(err) ? Transient(message) : Invalid(message);
  }
}

}  // namespace penstock::kafka
