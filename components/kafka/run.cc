#include "components/kafka/run.h"

#include <algorithm>
#include <cstdio>

#include "components/ingest/parts/wishes.h"
#include "components/kafka/options.h"
#include "components/sdk/scratch_folder.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

// Partitions that are fetched at a time: what is fetched ahead is bounded for each.
constexpr std::size_t kAtOnce = 16;

struct Reading {
  std::vector<Span> spans;
  std::string cluster;
};

// All messages between the offsets, onto the disk.
Result<Reading> Gather(const Asked& asked, Intake& intake) {
  PENSTOCK_ASSIGN(const auto topic, Topic::Open(asked.topic));
  PENSTOCK_TRY(CheckSameTopic(asked.wanted, asked.topic.topic, topic->cluster()));
  PENSTOCK_ASSIGN(const auto chosen, ChoosePartitions(asked.wanted, topic->partitions()));
  PENSTOCK_ASSIGN(const auto states, topic->States(chosen, asked.wanted));
  Reading reading;
  reading.cluster = topic->cluster();
  PENSTOCK_ASSIGN(reading.spans, PlanSpans(asked.wanted, states));
  for (std::size_t begin = 0; begin < reading.spans.size(); begin += kAtOnce) {
    const std::size_t end = std::min(begin + kAtOnce, reading.spans.size());
    std::vector<Span> group(reading.spans.begin() + std::ptrdiff_t(begin),
                            reading.spans.begin() + std::ptrdiff_t(end));
    PENSTOCK_TRY(intake.Begin(group));
    PENSTOCK_TRY(topic->Read(group, [&](const Message& message) { return intake.Add(message); }));
    PENSTOCK_TRY(intake.Finish());
    std::copy(group.begin(), group.end(), reading.spans.begin() + std::ptrdiff_t(begin));
  }
  return reading;
}

// What the next run begins behind: also of partitions that this one did not read.
ReadOffsets OffsetsOf(const Asked& asked, const Reading& reading) {
  ReadOffsets out{asked.topic.topic, reading.cluster, {}};
  if (asked.wanted.since) {
    for (const auto& [partition, span] : asked.wanted.since->partitions)
      out.partitions[partition] = {span.second, span.second};
  }
  for (const auto& span : reading.spans) out.partitions[span.partition] = {span.from, span.to};
  return out;
}

std::int64_t LostOf(const Reading& reading) {
  std::int64_t lost = 0;
  for (const auto& span : reading.spans) lost += span.lost;
  return lost;
}

void Tell(const Asked& asked, const Reading& reading) {
  std::size_t told = 0;
  for (const auto& span : reading.spans) {
    if (span.lost > 0) {
      std::printf("%s: %lld offsets were gone before they could be read\n",
                  PartitionName(span.partition).c_str(), static_cast<long long>(span.lost));
    }
    if (++told > 100) continue;
    std::printf("%s: offsets %lld to %lld\n", PartitionName(span.partition).c_str(),
                static_cast<long long>(span.from), static_cast<long long>(span.to - 1));
  }
  const auto protocol = asked.topic.properties.at("security.protocol");
  std::printf("read by %s\n", protocol.c_str());
}

Result<void> WriteOutputs(const Asked& asked, const Reading& reading, const Intake& intake,
                          const Quarantine& quarantine, const ingest::Sink& sink,
                          const sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  PENSTOCK_ASSIGN(const auto schema, ingest::GiveSchema(output, step));
  if (step.HasOutput("offsets")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("offsets"));
    PENSTOCK_TRY(WriteFileAtomically(path, ToJson(OffsetsOf(asked, reading)).dump(1) + "\n"));
  }
  PENSTOCK_TRY(step.WriteResult("rows", sink.rows()));
  PENSTOCK_TRY(step.WriteResult("columns", schema.columns.size()));
  PENSTOCK_TRY(step.WriteResult("messages", intake.messages()));
  PENSTOCK_TRY(step.WriteResult("withoutValue", intake.without_value()));
  PENSTOCK_TRY(step.WriteResult("badRows", quarantine.count()));
  return step.WriteResult("lost", LostOf(reading));
}

Result<void> ForCache(const Asked& asked, const Reading& reading, const sdk::Step& step) {
  if (LostOf(reading) > 0) {
    return step.DoNotCache("some of the messages were gone, and how many is in no cache key");
  }
  if (asked.wanted.Named()) return {};
  return step.DoNotCache(
      "it reads up to the newest message, which is in no cache key; the input offsets, or "
      "partitions, from and to, would name what is read");
}

}  // namespace

Result<void> RunKafka(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto asked, ReadAsked(step));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  PENSTOCK_ASSIGN(const auto scratch,
                  sdk::ScratchFolder::Create(ingest::ScratchFor(output) / "kafka.files"));
  asked.intake.folder = scratch.path();
  asked.rows.scratch = scratch.path();
  std::string kept;
  if (step.HasOutput("quarantine")) {
    PENSTOCK_ASSIGN(kept, step.OutputPath("quarantine"));
  }
  Quarantine quarantine(kept, !asked.quarantine);
  PENSTOCK_TRY(quarantine.Begin());
  Intake intake(asked.intake, quarantine);
  const auto named = [&](const Error& error) {
    return Wrap("topic '" + plan::Shown(asked.topic.topic, 120) + "'", error);
  };
  const auto reading = Gather(asked, intake);
  if (!reading) return named(reading.error());
  ingest::Sink sink(output, 1);
  if (auto rows = WriteRows(intake.gathered(), asked.rows, quarantine, sink); !rows)
    return named(rows.error());
  PENSTOCK_TRY(sink.Finish());
  PENSTOCK_TRY(quarantine.Finish());
  Tell(asked, *reading);
  for (const auto& note : sink.plan().notes) std::printf("%s\n", note.c_str());
  PENSTOCK_TRY(WriteOutputs(asked, *reading, intake, quarantine, sink, step));
  return ForCache(asked, *reading, step);
}

}  // namespace penstock::kafka
