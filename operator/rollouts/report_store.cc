#include "operator/rollouts/report_store.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::rollouts {
namespace {

constexpr Milliseconds kStoreAgain{30'000};  // doubled after each failure
constexpr Milliseconds kLongestPause{600'000};

Milliseconds PauseAfter(int failures) {
  return std::min(kLongestPause, kStoreAgain * (1 << std::clamp(failures - 1, 0, 6)));
}

using History = std::vector<api::ModelHistoryEntry>;

bool IsNamedIn(const History& history, const std::string& digest) {
  return std::any_of(history.begin(), history.end(),
                     [&](const auto& h) { return h.report == digest; });
}

// Its version ended then.
bool IsToldIn(const History& history, std::int64_t version, TimePoint time) {
  return std::any_of(history.begin(), history.end(),
                     [&](const auto& h) { return h.version == version && h.time == time; });
}

// A folder, by a name that no two reports have at a time.
Result<ArtifactRef> Put(const artifacts::Store& store, const std::string& ns,
                        const std::string& key, const rollout::Report& report) {
  const std::filesystem::path folder =
      store.Scratch(ns) /
      ("report-" + key.substr(key.find('/') + 1) + "-" + std::to_string(report.version) + "-" +
       std::to_string(report.time.time_since_epoch().count()));
  struct Removal {
    const std::filesystem::path& folder;
    ~Removal() {
      std::error_code ignored;  // what stays is swept
      std::filesystem::remove_all(folder, ignored);
    }
  } removal{folder};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return FromErrno(folder.string(), failed.value());
  PENSTOCK_TRY(WriteFileAtomically(folder / rollout::kReportJson, report.json));
  PENSTOCK_TRY(WriteFileAtomically(folder / rollout::kReportPage, report.page));
  return store.Put(ns, folder);
}

}  // namespace

void ReportStore::Keep(const std::string& ns, const std::string& key,
                       const rollout::Report& report) {
  const Which which{report.version, report.time};
  rollout::Report content;
  {
    const std::lock_guard lock(mutex_);
    const auto [it, is_new] = kept_[key].try_emplace(which);
    Kept& kept = it->second;
    if (is_new) kept.content = report;
    if (kept.under_way || !kept.digest.empty() || options_.clock.Steady() < kept.next) return;
    kept.under_way = true;
    content = kept.content;
  }
  Submit(ns, key, which, std::move(content));
}

void ReportStore::Submit(const std::string& ns, const std::string& key, const Which& which,
                         rollout::Report content) {
  options_.submit(
      ns, [this, ns, key, which, content = std::move(content)] { Store(ns, key, which, content); });
}

void ReportStore::Store(const std::string& ns, const std::string& key, const Which& which,
                        const rollout::Report& report) {
  Result<ArtifactRef> stored = Internal("it was not stored");
  struct End {  // also where it throws, which the pool tells
    ReportStore& reports;
    const std::string& key;
    const Which& which;
    Result<ArtifactRef>& stored;
    ~End() {
      if (const auto next = reports.Settle(key, which, stored)) reports.options_.wake(key, *next);
    }
  } end{*this, key, which, stored};
  stored = Put(options_.store, ns, key, report);
}

std::optional<Milliseconds> ReportStore::Settle(const std::string& key, const Which& which,
                                                const Result<ArtifactRef>& stored) {
  Milliseconds pause{0};
  {
    const std::lock_guard lock(mutex_);
    const auto of = kept_.find(key);
    if (of == kept_.end()) return std::nullopt;
    Kept& kept = of->second[which];
    kept.under_way = false;
    if (stored) {
      kept.digest = stored->digest;
      kept.content = {};
      return pause;
    }
    kept.failures = std::min(kept.failures + 1, 1'000);
    pause = PauseAfter(kept.failures);
    kept.next = options_.clock.Steady() + pause;
    if (kept.told == stored.error().message) return pause;
    kept.told = stored.error().message;
  }
  options_.warn("the report of " + key + ", version " + std::to_string(which.first) +
                ", could not be stored: " + stored.error().message + "; it is tried again");
  return pause;
}

std::vector<rollout::MadeReport> ReportStore::Take(
    const std::string& key, const std::vector<api::ModelHistoryEntry>& history) {
  std::vector<rollout::MadeReport> made;
  std::vector<std::pair<Which, rollout::Report>> again;
  {
    const std::lock_guard lock(mutex_);
    const auto of = kept_.find(key);
    if (of == kept_.end()) return {};
    const auto now = options_.clock.Steady();
    std::erase_if(of->second, [&](const auto& one) {
      const auto& [which, kept] = one;
      const bool due = kept.failures > 0 && !kept.under_way && now >= kept.next;
      return kept.digest.empty() ? due && !IsToldIn(history, which.first, which.second)
                                 : IsNamedIn(history, kept.digest);
    });
    for (auto& [which, kept] : of->second) {
      if (!kept.digest.empty()) {
        made.push_back({which.first, which.second, kept.digest});
      } else if (kept.failures > 0 && !kept.under_way && now >= kept.next) {
        kept.under_way = true;
        again.emplace_back(which, kept.content);
      }
    }
    if (of->second.empty()) kept_.erase(of);
  }
  const std::string ns = key.substr(0, key.find('/'));
  for (auto& [which, content] : again) Submit(ns, key, which, std::move(content));
  return made;
}

void ReportStore::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  kept_.erase(key);
}

}  // namespace penstock::rollouts
