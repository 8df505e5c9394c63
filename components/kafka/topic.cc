#include "components/kafka/topic.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>

#include "components/kafka/session.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

constexpr std::chrono::milliseconds kStep{500};  // of each wait: what brokers told is looked at

// The end of a partition, of which there may be no message: a marker of a transaction, or what was
// aborted or compacted.
struct Course {
  Span* span = nullptr;
  std::int64_t next = 0;  // offsets before it are dealt with
  bool done = false;
};

}  // namespace

struct Topic::Impl {
  explicit Impl(const TopicSettings& asked) : settings(asked), session(settings) {}

  const TopicSettings settings;
  Session session;
  std::vector<std::int32_t> partitions;
  std::string cluster;

  Error NoSuchTopic() const {
    return NotFound("there is no topic '" + settings.topic +
                    "' on the brokers, or this login may not see it");
  }

  // Asks until there is an answer.
  Result<void> Describe() {
    for (;;) {
      const rd_kafka_metadata_t* metadata = nullptr;
      const auto err =
          rd_kafka_metadata(session.client(), 0, session.topic(), &metadata, int(kStep.count()));
      const std::unique_ptr<const rd_kafka_metadata_t, void (*)(const rd_kafka_metadata_t*)> held(
          metadata, rd_kafka_metadata_destroy);
      PENSTOCK_TRY(session.Listen());
      if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
        const auto& topic = metadata->topics[0];
        if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR && topic.partition_cnt > 0) {
          for (int i = 0; i < topic.partition_cnt; ++i)
            partitions.push_back(topic.partitions[i].id);
          std::sort(partitions.begin(), partitions.end());
          return {};
        }
        if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return NoSuchTopic();
        if (topic.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE &&
            topic.err != RD_KAFKA_RESP_ERR_NO_ERROR)
          return session.ErrorOf(topic.err, "topic '" + settings.topic + "'");
      }
      session.Rest();
      if (session.Waited()) return session.Away("asking for the topic '" + settings.topic + "'");
    }
  }

  Result<std::pair<std::int64_t, std::int64_t>> Ends(std::int32_t partition) {
    for (;;) {
      std::int64_t low = 0, high = 0;
      const auto err =
          rd_kafka_query_watermark_offsets(session.client(), settings.topic.c_str(), partition,
                                           &low, &high, 10 * int(kStep.count()));
      PENSTOCK_TRY(session.Listen());
      if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        session.Heard();
        return std::pair(low, high);
      }
      const std::string name = PartitionName(partition);
      if (!Session::Passes(err)) return session.ErrorOf(err, name);
      session.Rest();
      if (session.Waited()) return session.Away("asking for the ends of " + name);
    }
  }

  Result<std::map<std::int32_t, std::int64_t>> AtTime(const std::vector<std::int32_t>& chosen,
                                                      std::int64_t time_ms) {
    for (;;) {
      PartitionList list(settings.topic, chosen);
      for (int i = 0; i < list.get()->cnt; ++i) list.get()->elems[i].offset = time_ms;
      auto err = rd_kafka_offsets_for_times(session.client(), list.get(), 10 * int(kStep.count()));
      PENSTOCK_TRY(session.Listen());
      std::map<std::int32_t, std::int64_t> out;
      for (int i = 0; i < list.get()->cnt; ++i) {
        const auto& one = list.get()->elems[i];
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) err = one.err;
        out[one.partition] = one.offset;
      }
      if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        session.Heard();
        return out;
      }
      if (!Session::Passes(err)) return session.ErrorOf(err, "looking for a time");
      session.Rest();
      if (session.Waited()) return session.Away("looking for a time");
    }
  }

  // --- reading

  std::map<std::int32_t, Course> courses;
  std::size_t open = 0;

  void Finish(Course& course) {
    if (course.done) return;
    course.done = true;
    --open;
    rd_kafka_consume_stop(session.topic(), course.span->partition);
  }

  // What retention took away under us, or a log that was cut off.
  Result<void> OutOfRange(Course& course) {
    const auto partition = course.span->partition;
    PENSTOCK_ASSIGN(const auto ends, Ends(partition));
    const std::string name = PartitionName(partition);
    if (course.next > ends.second) return CutOff(course, ends.second);
    if (!settings.skip_lost || ends.first <= course.next) {
      return Invalid(name + ": the messages from offset " + std::to_string(course.next) + " to " +
                     std::to_string(ends.first - 1) +
                     " went while it was read, by retention or DeleteRecords; onLost: Skip reads "
                     "what is there");
    }
    const auto begin = std::min(ends.first, course.span->to);
    course.span->lost += begin - course.next;
    course.next = begin;
    if (begin == course.span->to) {
      Finish(course);
      return {};
    }
    const auto err =
        rd_kafka_seek(session.topic(), partition, begin, int(settings.patience.count()));
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return session.ErrorOf(err, name);
    return {};
  }

  static Error CutOff(const Course& course, std::int64_t now) {
    return Transient(PartitionName(course.span->partition) + " now ends at offset " +
                     std::to_string(now) + ", before " + std::to_string(course.span->to) +
                     " where it ended when this began: its log was cut off");
  }

  // The partition tells of an end that is before the one that it told of at the start.
  Result<void> EndsBefore(const Course& course, std::int64_t offset) {
    PENSTOCK_ASSIGN(const auto ends, Ends(course.span->partition));
    if (ends.second < course.span->to) return CutOff(course, ends.second);
    if (!settings.committed) return {};  // a replica that is behind; it is waited for
    return Transient(PartitionName(course.span->partition) +
                     ": a transaction is open since offset " + std::to_string(offset) +
                     ", and what is asked for ends before " + std::to_string(course.span->to) +
                     "; run this again when it has ended, or read with isolation: "
                     "read_uncommitted");
  }

  Result<void> Take(const rd_kafka_message_t& got, const OnMessage& on_message) {
    const auto found = courses.find(got.partition);
    if (got.rkt == nullptr || found == courses.end()) {
      return got.err == RD_KAFKA_RESP_ERR_NO_ERROR || Session::Passes(got.err)
                 ? Result<void>()
                 : session.ErrorOf(got.err, "reading");
    }
    Course& course = found->second;
    if (course.done) return {};
    const auto end = course.span->to;
    if (got.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (got.offset < end) return EndsBefore(course, got.offset);
      Finish(course);
      return {};
    }
    if (got.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        got.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return OutOfRange(course);
    }
    if (got.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (Session::Passes(got.err)) return {};
      return session.ErrorOf(
          got.err, PartitionName(got.partition) + ", from offset " + std::to_string(course.next));
    }
    if (got.offset < course.next) return {};  // of a batch that began before
    if (got.offset < end) {
      PENSTOCK_TRY(on_message(MessageOf(got)));
      course.next = got.offset + 1;
    }
    if (got.offset + 1 >= end) Finish(course);
    return {};
  }

  static Message MessageOf(const rd_kafka_message_t& got) {
    Message out{got.partition, got.offset, {}, {}, {}};
    rd_kafka_timestamp_type_t type{};
    const auto time = rd_kafka_message_timestamp(&got, &type);
    if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && time >= 0) out.time_ms = time;
    if (got.key != nullptr) out.key.emplace(static_cast<const char*>(got.key), got.key_len);
    if (got.payload != nullptr) out.value.emplace(static_cast<const char*>(got.payload), got.len);
    return out;
  }

  // Markers and aborted messages are never given; how far reading has come, librdkafka knows.
  bool LookAtPositions() {
    std::vector<std::int32_t> left;
    for (const auto& [partition, course] : courses) {
      if (!course.done) left.push_back(partition);
    }
    PartitionList list(settings.topic, left);
    if (rd_kafka_position(session.client(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
    bool progress = false;
    for (int i = 0; i < list.get()->cnt; ++i) {
      const auto& one = list.get()->elems[i];
      Course& course = courses.at(one.partition);
      if (one.offset > course.next) {
        course.next = one.offset;
        progress = true;
      }
      if (course.next >= course.span->to) Finish(course);
    }
    return progress;
  }

  Error Silent() {
    for (const auto& [partition, course] : courses) {
      if (course.done) continue;
      return session.Away("reading " + PartitionName(partition) + ", of which the offsets " +
                          std::to_string(course.next) + " to " +
                          std::to_string(course.span->to - 1) + " are still to come");
    }
    return Internal("no partition is read");
  }

  Result<void> Serve(rd_kafka_queue_t* queue, const OnMessage& on_message) {
    session.Heard();
    for (std::uint64_t turn = 0; open > 0; ++turn) {
      const std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> got(
          rd_kafka_consume_queue(queue, int(kStep.count())), rd_kafka_message_destroy);
      if (got != nullptr && got->err == RD_KAFKA_RESP_ERR_NO_ERROR) session.Heard();
      if (got != nullptr) PENSTOCK_TRY(Take(*got, on_message));
      if (got != nullptr && turn % 1024 != 0) continue;
      PENSTOCK_TRY(session.Listen());
      if (LookAtPositions()) session.Heard();
      if (open > 0 && session.Waited()) return Silent();
    }
    return {};
  }

  Result<void> Read(std::vector<Span>& spans, const OnMessage& on_message) {
    courses.clear();
    open = 0;
    const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue(
        rd_kafka_queue_new(session.client()), rd_kafka_queue_destroy);
    Result<void> read;
    for (auto& span : spans) {
      if (span.from >= span.to) continue;
      if (rd_kafka_consume_start_queue(session.topic(), span.partition, span.from, queue.get()) !=
          0) {
        read = session.ErrorOf(rd_kafka_last_error(), PartitionName(span.partition));
        break;
      }
      courses[span.partition] = {&span, span.from, false};
      ++open;
    }
    if (read) read = Serve(queue.get(), on_message);
    for (auto& [partition, course] : courses) Finish(course);
    return read;
  }
};

Topic::Topic(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Topic::~Topic() = default;

Result<std::unique_ptr<Topic>> Topic::Open(const TopicSettings& settings) {
  auto impl = std::make_unique<Impl>(settings);
  PENSTOCK_TRY(impl->session.Begin());
  PENSTOCK_TRY(impl->Describe());
  impl->cluster = impl->session.Cluster();
  return std::unique_ptr<Topic>(new Topic(std::move(impl)));
}

const std::vector<std::int32_t>& Topic::partitions() const { return impl_->partitions; }
const std::string& Topic::cluster() const { return impl_->cluster; }

Result<std::vector<PartitionState>> Topic::States(const std::vector<std::int32_t>& partitions,
                                                  const Wanted& wanted) {
  std::vector<PartitionState> states;
  for (const auto partition : partitions) {
    PENSTOCK_ASSIGN(const auto ends, impl_->Ends(partition));
    states.push_back({partition, ends.first, ends.second, {}, {}});
  }
  const auto look = [&](const std::optional<std::int64_t>& time, auto member) -> Result<void> {
    if (!time || partitions.empty()) return {};
    PENSTOCK_ASSIGN(const auto found, impl_->AtTime(partitions, *time));
    for (auto& state : states) {
      const auto offset = found.at(state.partition);
      state.*member = offset < 0 ? state.high : std::min(offset, state.high);
    }
    return {};
  };
  PENSTOCK_TRY(look(wanted.from_time, &PartitionState::at_from_time));
  PENSTOCK_TRY(look(wanted.to_time, &PartitionState::at_to_time));
  return states;
}

Result<void> Topic::Read(std::vector<Span>& spans, const OnMessage& on_message) {
  return impl_->Read(spans, on_message);
}

}  // namespace penstock::kafka
