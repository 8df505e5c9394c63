// A store whose namespaces may hold so much and no more: blobs that would be beyond a quota are
// refused before their first byte, kNoSpace, by the namespace, what it holds and what it may.
//
// What a namespace holds is counted by listing its blobs when this begins, then once an hour, and
// when it is asked for (after a collection). What is under way is kept apart from that: an upload
// from its beginning until its end, by its length, and what a link was given for until a count
// finds it, or one that begins two intervals later does not. So a count that goes by an upload
// neither misses it nor, where it fails, takes it off twice. One that ends while its namespace is
// counted may count twice until the next count, never not at all. Until a namespace is counted for
// the first time nothing of it is refused. Bytes are those of blobs: the same content twice is
// there once, as in `penstock store du`.
//
// Thread-safe. Owns the thread that counts.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "operator/artifacts/quota/quotas.h"
#include "operator/artifacts/s3/objects_by_namespace.h"

namespace penstock::artifacts {

enum class QuotaLevel : std::uint8_t { kRoom, kNearlyFull, kFull };  // nearly: from 90 % on

struct QuotaUse {
  std::string ns;
  std::uint64_t bytes = 0;
  std::uint64_t quota = 0;
  [[nodiscard]] QuotaLevel Level() const;
};

class QuotaObjects : public ObjectsByNamespace {
 public:
  // Hears of each namespace that comes to another level, by whichever thread saw it; and of a count
  // that failed, with the reason.
  struct Hears {
    std::function<void(const QuotaUse&)> level;
    std::function<void(const std::string& ns, const Error&)> not_counted;
  };

  QuotaObjects(ObjectsPtr objects, Quotas quotas, Hears hears,
               std::chrono::milliseconds interval = std::chrono::hours(1));
  ~QuotaObjects() override;

  Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const override;
  Result<void> PutBlob(const std::string& ns, const std::string& digest,
                       std::optional<std::uint64_t> bytes, const ByteSource& source) const override;
  Result<std::optional<Link>> LinkToWrite(const std::string& ns, const std::string& digest,
                                          std::uint64_t bytes) const override;

  // Of the namespaces that are counted and have a quota, by name.
  [[nodiscard]] std::vector<QuotaUse> Used() const;
  // Counts anew, soon.
  void CountAgain();

 private:
  struct Promised {  // by a link to write
    std::uint64_t bytes = 0;
    std::chrono::steady_clock::time_point given;  // last
  };
  struct Held {
    std::uint64_t stored = 0;     // by the last count, and of uploads that have ended since
    std::uint64_t since = 0;      // of uploads that have ended since the count under way began
    std::uint64_t under_way = 0;  // of uploads that have begun and not ended
    std::map<std::string, Promised> links = {};  // by digest
    bool counted = false;
    QuotaLevel told = QuotaLevel::kRoom;
    [[nodiscard]] std::uint64_t Bytes() const;
  };
  struct Counted {
    std::uint64_t bytes = 0;
    std::set<std::string> promised = {};  // digests of links whose blobs are there
  };

  [[nodiscard]] Result<void> CheckLocked(const std::string& ns, std::uint64_t bytes) const;
  // What fits is under way from now on.
  [[nodiscard]] Result<void> Begin(const std::string& ns, std::uint64_t bytes) const;
  void End(const std::string& ns, std::uint64_t bytes, bool stored) const;
  void CountAll(const std::stop_token& stop);
  [[nodiscard]] Result<Counted> Count(const std::string& ns,
                                      const std::map<std::string, Promised>& links,
                                      const std::stop_token& stop) const;
  void Keep(const std::stop_token& stop);
  void TellLevel(const std::string& ns) const;

  const Quotas quotas_;
  const Hears hears_;
  const std::chrono::milliseconds interval_;
  mutable std::mutex mutex_;  // guards held_ and again_
  mutable std::map<std::string, Held> held_;
  std::condition_variable_any wake_;
  bool again_ = true;
  std::jthread counter_;  // last: it uses the rest
};

}  // namespace penstock::artifacts
