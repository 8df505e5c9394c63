#include "components/kafka/testing/mock_cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdexcept>
#include <vector>

namespace penstock::kafka {
namespace {

rd_kafka_t* NewProducer(const std::string& brokers, const std::string& compression) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  const auto set = [&](const char* name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(why);
  };
  if (!brokers.empty()) set("bootstrap.servers", brokers);
  set("linger.ms", "1");
  set("compression.type", compression);
  rd_kafka_conf_set_log_cb(conf, nullptr);
  rd_kafka_t* out = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  if (out == nullptr) throw std::runtime_error(why);
  return out;
}

}  // namespace

struct MockCluster::Impl {
  rd_kafka_t* owner = nullptr;
  rd_kafka_mock_cluster_t* cluster = nullptr;
  rd_kafka_t* producer = nullptr;

  void Send(const std::string& topic, std::int32_t partition,
            const std::optional<std::string>& value, const std::optional<std::string>& key,
            std::int64_t time_ms) const {
    void* const payload = value ? const_cast<char*>(value->data()) : nullptr;
    const std::size_t payload_size = value ? value->size() : 0;
    const void* const name = key ? key->data() : nullptr;
    const std::size_t name_size = key ? key->size() : 0;
    const auto err = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(payload, payload_size),
        RD_KAFKA_V_KEY(name, name_size), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(err));
  }
  void Flush() const {
    if (rd_kafka_flush(producer, 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error("the mock took nothing within a minute");
  }
};

MockCluster::MockCluster(int brokers) : impl_(std::make_unique<Impl>()) {
  impl_->owner = NewProducer("", "none");
  impl_->cluster = rd_kafka_mock_cluster_new(impl_->owner, brokers);
  if (impl_->cluster == nullptr) throw std::runtime_error("no mock cluster");
  impl_->producer = NewProducer(this->brokers(), "lz4");
}

MockCluster::~MockCluster() {
  rd_kafka_destroy(impl_->producer);
  rd_kafka_mock_cluster_destroy(impl_->cluster);
  rd_kafka_destroy(impl_->owner);
}

std::string MockCluster::brokers() const {
  return rd_kafka_mock_cluster_bootstraps(impl_->cluster);
}

void MockCluster::CreateTopic(const std::string& topic, int partitions) {
  const auto err = rd_kafka_mock_topic_create(impl_->cluster, topic.c_str(), partitions, 1);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(err));
}

void MockCluster::SetDown(int broker, bool down) {
  if (down)
    rd_kafka_mock_broker_set_down(impl_->cluster, broker);
  else
    rd_kafka_mock_broker_set_up(impl_->cluster, broker);
}

void MockCluster::FailFetches(int times, int error) {
  const std::vector<rd_kafka_resp_err_t> errors(std::size_t(times),
                                                static_cast<rd_kafka_resp_err_t>(error));
  rd_kafka_mock_push_request_errors_array(impl_->cluster, 1 /* Fetch */, errors.size(),
                                          errors.data());
}

void MockCluster::FailTopic(const std::string& topic, int error) {
  rd_kafka_mock_topic_set_error(impl_->cluster, topic.c_str(),
                                static_cast<rd_kafka_resp_err_t>(error));
}

void MockCluster::Produce(const std::string& topic, std::int32_t partition,
                          const std::optional<std::string>& value,
                          const std::optional<std::string>& key, std::int64_t time_ms) {
  impl_->Send(topic, partition, value, key, time_ms);
  impl_->Flush();
}

void MockCluster::ProduceMany(const std::string& topic, std::int32_t partition, int count,
                              const std::string& before, const std::string& after) {
  for (int i = 0; i < count; ++i) {
    impl_->Send(topic, partition, before + std::to_string(i) + after, {}, 0);
    if (i % 10'000 == 9'999) impl_->Flush();
  }
  impl_->Flush();
}

}  // namespace penstock::kafka
