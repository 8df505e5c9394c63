// Tells an OpenLineage server what runs do, as the history says it: this follows the database that
// every run is recorded in, so that no run waits for a server, and what could not be sent yet is in
// no queue that could be full or lost.
//
//   database --changes--> events that were not told --POST--> server
//                              ^                        | no answer, or any but these: again after
//                              |                        | 1 s .. 60 s, those behind it wait
//                              +------------------------+ 400, 409, 413, 422: it is refused,
//                                                         counted, left out
//
// A file beside the database remembers which runs have been told to their end, for a week; of one
// that goes on while the operator is restarted its events are told once more. What had ended before
// the first start is not told. One thread; it ends within a second when stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "operator/base/time.h"
#include "operator/lineage/events.h"
#include "operator/metadata/query.h"

namespace penstock::lineage {

// Sends one event; the answer's status, or an error that passes.
using Post = std::function<Result<int>(const Json& event, const std::stop_token& stop)>;

// POSTs to the URL, with what the file holds as bearer token (read for each; empty: none). Invalid
// where the URL is none. The address is the platform's: it is held against no policy.
[[nodiscard]] Result<Post> PostTo(const std::string& url, const std::filesystem::path& key_file);

enum class Outcome : std::uint8_t { kSent, kRefused, kRetried };

struct SenderSettings {
  metadata::DatabasePtr history;
  std::filesystem::path told;  // the file of runs that were told to their end
  Post post;
  std::function<void(Outcome)> count = [](Outcome) {};
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  Milliseconds look{2'000}, first_wait{1'000}, longest_wait{60'000};
};

class Sender {
 public:
  // The clock must outlive it.
  Sender(const Clock& clock, SenderSettings settings);

  // Until stopped.
  void Follow(const std::stop_token& stop);
  // Tells what has changed since the last call; true where there may be more. kCancelled: stopped.
  [[nodiscard]] Result<bool> Look(const std::stop_token& stop);

 private:
  static constexpr std::chrono::hours kRemembered{24 * 7}, kTidied{24};

  struct Told {
    std::set<std::string> keys;  // of events
    TimePoint last;
  };

  // The file, and what is too old taken out of it and of told_.
  [[nodiscard]] Result<void> Tidy();
  [[nodiscard]] Result<void> Tell(const metadata::RunChange& change, const std::stop_token& stop);
  [[nodiscard]] Result<void> Send(const Event& event, const std::stop_token& stop);
  [[nodiscard]] Result<void> Remember(const metadata::RunRecord& run);
  // As lineage::MadeBy.
  [[nodiscard]] std::string NameOfMaker(const std::string& ns, const std::string& digest) const;
  void WarnOnce(const std::string& what);

  const Clock& clock_;
  const SenderSettings settings_;
  const metadata::Query history_;
  std::optional<TimePoint> tidied_;
  long long seen_ = 0;                // of the database's changes
  long long at_begin_ = 0;            // the newest of them then
  std::optional<TimePoint> since_;    // runs that ended before are not told
  std::set<std::string> ended_;       // UIDs of runs that were told to their end
  std::map<std::string, Told> told_;  // of the others, by UID
  bool warned_ = false;               // since the last event that was taken
};

}  // namespace penstock::lineage
