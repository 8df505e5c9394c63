// A session with the brokers of one topic (librdkafka), without a consumer group: nothing is
// committed, and no right is needed but to describe the topic and to read it. Used by one thread;
// memory of what is fetched ahead, 2 MiB a partition that is read.
//
// Nothing waits without a bound: brokers that do not answer, and partitions that bring nothing, are
// errors within the patience, and everything within the timeout. No error holds a secret.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "components/kafka/settings.h"
#include "components/kafka/span.h"
#include "operator/base/result.h"

namespace penstock::kafka {

struct TopicSettings {
  Properties properties = {};  // settings.h
  std::string topic = {};
  bool committed = true;  // read_committed
  bool skip_lost = false;
  std::chrono::milliseconds timeout{3'600'000};  // of all, connecting included
  std::chrono::milliseconds patience{60'000};    // without an answer, or a message
};

// Views into memory that lives until the callback returns.
struct Message {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> time_ms = {};  // since 1970
  std::optional<std::string_view> key = {};
  std::optional<std::string_view> value = {};
};
using OnMessage = std::function<Result<void>(const Message&)>;

class Topic {
 public:
  // kForbidden for a login that is refused, NotFound for a topic that is not there, Transient for
  // brokers that do not answer.
  [[nodiscard]] static Result<std::unique_ptr<Topic>> Open(const TopicSettings& settings);
  ~Topic();
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  [[nodiscard]] const std::vector<std::int32_t>& partitions() const;  // ascending
  [[nodiscard]] const std::string& cluster() const;  // its id; "" where none is told

  // What these hold now, by the offsets and by the times that are asked for.
  [[nodiscard]] Result<std::vector<PartitionState>> States(
      const std::vector<std::int32_t>& partitions, const Wanted& wanted);

  // Gives every message of the spans, those of a partition in the order of their offsets. Ends when
  // each has come to its end, whatever compaction, aborted transactions or markers have left there.
  // What retention takes meanwhile is an error, or with skip_lost added to the span's `lost`.
  [[nodiscard]] Result<void> Read(std::vector<Span>& spans, const OnMessage& on_message);

 private:
  struct Impl;
  explicit Topic(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::kafka
