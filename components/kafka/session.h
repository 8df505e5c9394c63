// librdkafka's client of one topic: its settings, its clocks, and what it says of brokers, folded
// into the project's errors. Used by one thread; only topic.cc includes it.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/kafka/topic.h"
#include "operator/base/result.h"

namespace penstock::kafka {

class PartitionList {
 public:
  PartitionList(const std::string& topic, const std::vector<std::int32_t>& partitions)
      : list_(rd_kafka_topic_partition_list_new(int(partitions.size()))) {
    for (const auto p : partitions) rd_kafka_topic_partition_list_add(list_, topic.c_str(), p);
  }
  ~PartitionList() { rd_kafka_topic_partition_list_destroy(list_); }
  PartitionList(const PartitionList&) = delete;
  PartitionList& operator=(const PartitionList&) = delete;
  [[nodiscard]] rd_kafka_topic_partition_list_t* get() const { return list_; }

 private:
  rd_kafka_topic_partition_list_t* list_;
};

class Session {
 public:
  explicit Session(const TopicSettings& settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Invalid for settings that librdkafka refuses (a certificate that is none).
  [[nodiscard]] Result<void> Begin();
  [[nodiscard]] rd_kafka_t* client() const { return client_; }
  [[nodiscard]] rd_kafka_topic_t* topic() const { return topic_; }
  [[nodiscard]] std::string Cluster() const;

  // Takes what brokers told meanwhile. kForbidden for a login that was refused, kUntrusted for a
  // certificate, kDeadline when the time of all is over.
  [[nodiscard]] Result<void> Listen();
  // Somebody answered: the patience begins anew.
  void Heard() {
    heard_ = std::chrono::steady_clock::now();
    untrusted_ = 0;
  }
  // A tenth of a second, before something is asked again.
  void Rest() { rd_kafka_poll(client_, 100); }
  [[nodiscard]] bool Waited() const;
  // The patience is over: what was done meanwhile, and what was last told of the brokers.
  [[nodiscard]] Error Away(const std::string& doing);

  // Comes right by itself, within librdkafka.
  [[nodiscard]] static bool Passes(rd_kafka_resp_err_t err);
  [[nodiscard]] Error ErrorOf(rd_kafka_resp_err_t err, const std::string& what);

 private:
  [[nodiscard]] std::string ScramAdvice() const;
  static void OnError(rd_kafka_t* client, int err, const char* reason, void* opaque);

  const TopicSettings& settings_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_topic_t* topic_ = nullptr;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point heard_;
  std::string last_;      // what was told last of a broker
  bool refused_ = false;  // the login
  int untrusted_ = 0;     // handshakes of TLS that failed since somebody answered
};

}  // namespace penstock::kafka
