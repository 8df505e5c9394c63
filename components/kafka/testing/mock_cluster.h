// librdkafka's mock of brokers in this process, and a producer to them. For tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace penstock::kafka {

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  [[nodiscard]] std::string brokers() const;  // host:port,...
  void CreateTopic(const std::string& topic, int partitions);
  void SetDown(int broker, bool down);
  void FailFetches(int times, int error);  // as rd_kafka_resp_err_t
  void FailTopic(const std::string& topic, int error);

  // Waits until it is kept. Without key or value: null.
  void Produce(const std::string& topic, std::int32_t partition,
               const std::optional<std::string>& value, const std::optional<std::string>& key = {},
               std::int64_t time_ms = 0);
  // Many, waiting once.
  void ProduceMany(const std::string& topic, std::int32_t partition, int count,
                   const std::string& before, const std::string& after);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::kafka
