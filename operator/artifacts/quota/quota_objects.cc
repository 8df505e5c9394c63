#include "operator/artifacts/quota/quota_objects.h"

#include <algorithm>
#include <utility>

#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

Error OverQuota(const QuotaUse& use, std::uint64_t more) {
  Error error = Invalid(
      "namespace " + use.ns + " holds " + Gibibytes(use.bytes) + " of artifacts and may hold " +
      Gibibytes(use.quota) + "; " +
      (more == 0 ? std::string("nothing more fits") : Gibibytes(more) + " more do not fit") +
      ": delete runs that are not needed and collect (penstock store gc), or ask "
      "the platform's people for a larger quota (store.quota)");
  error.kind = ErrorKind::kNoSpace;
  return error;
}

}  // namespace

QuotaLevel QuotaUse::Level() const {
  if (quota == 0 || bytes < quota - quota / 10) return QuotaLevel::kRoom;
  return bytes < quota ? QuotaLevel::kNearlyFull : QuotaLevel::kFull;
}

std::uint64_t QuotaObjects::Held::Bytes() const {
  std::uint64_t sum = stored + under_way;
  for (const auto& [digest, promised] : links) sum += promised.bytes;
  return sum;
}

QuotaObjects::QuotaObjects(ObjectsPtr objects, Quotas quotas, Hears hears,
                           std::chrono::milliseconds interval)
    : ObjectsByNamespace(std::move(objects), {}),
      quotas_(std::move(quotas)),
      hears_(std::move(hears)),
      interval_(interval),
      counter_([this](const std::stop_token& stop) { Keep(stop); }) {}

QuotaObjects::~QuotaObjects() = default;

Result<void> QuotaObjects::CheckLocked(const std::string& ns, std::uint64_t bytes) const {
  const std::uint64_t quota = quotas_.Of(ns);
  const auto held = held_.find(ns);
  if (quota == 0 || held == held_.end() || !held->second.counted) return {};
  const std::uint64_t now = held->second.Bytes();
  if (now < quota && bytes <= quota - now) return {};
  return OverQuota({ns, now, quota}, bytes);
}

Result<void> QuotaObjects::Begin(const std::string& ns, std::uint64_t bytes) const {
  {
    const std::lock_guard lock(mutex_);
    PENSTOCK_TRY(CheckLocked(ns, bytes));
    held_[ns].under_way += bytes;
  }
  TellLevel(ns);
  return {};
}

void QuotaObjects::End(const std::string& ns, std::uint64_t bytes, bool stored) const {
  {
    const std::lock_guard lock(mutex_);
    Held& held = held_[ns];
    held.under_way -= bytes;
    if (stored) {
      held.stored += bytes;
      held.since += bytes;
    }
  }
  TellLevel(ns);
}

Result<void> QuotaObjects::HasRoomFor(const std::string& ns, std::uint64_t bytes) const {
  {
    const std::lock_guard lock(mutex_);
    PENSTOCK_TRY(CheckLocked(ns, bytes));
  }
  return ObjectsByNamespace::HasRoomFor(ns, bytes);
}

Result<void> QuotaObjects::PutBlob(const std::string& ns, const std::string& digest,
                                   std::optional<std::uint64_t> bytes,
                                   const ByteSource& source) const {
  if (quotas_.Of(ns) == 0) return ObjectsByNamespace::PutBlob(ns, digest, bytes, source);
  PENSTOCK_ASSIGN(const auto there, Size(BlobKey(ns, digest)));
  if (there) return ObjectsByNamespace::PutBlob(ns, digest, bytes, source);
  std::uint64_t taken = bytes.value_or(0);
  PENSTOCK_TRY(Begin(ns, taken));
  std::uint64_t received = 0;
  auto put = ObjectsByNamespace::PutBlob(ns, digest, bytes, [&]() -> Result<std::string_view> {
    PENSTOCK_ASSIGN(const std::string_view piece, source());
    received += piece.size();
    if (received > taken) {  // of a length that nobody knew
      PENSTOCK_TRY(Begin(ns, received - taken));
      taken = received;
    }
    return piece;
  });
  End(ns, taken, put.has_value());
  return put;
}

Result<std::optional<Link>> QuotaObjects::LinkToWrite(const std::string& ns,
                                                      const std::string& digest,
                                                      std::uint64_t bytes) const {
  if (quotas_.Of(ns) == 0) return ObjectsByNamespace::LinkToWrite(ns, digest, bytes);
  {
    const std::lock_guard lock(mutex_);
    Held& held = held_[ns];
    if (const auto given = held.links.find(digest); given != held.links.end()) {
      given->second.given = std::chrono::steady_clock::now();
    } else {
      PENSTOCK_TRY(CheckLocked(ns, bytes));
      held.links[digest] = {bytes, std::chrono::steady_clock::now()};
    }
  }
  auto link = ObjectsByNamespace::LinkToWrite(ns, digest, bytes);
  if (!link || !*link) {  // of a store without links its upload counts
    const std::lock_guard lock(mutex_);
    held_[ns].links.erase(digest);
  }
  TellLevel(ns);
  return link;
}

void QuotaObjects::TellLevel(const std::string& ns) const {
  QuotaUse use{ns, 0, quotas_.Of(ns)};
  {
    const std::lock_guard lock(mutex_);
    Held& held = held_[ns];
    if (!held.counted) return;
    use.bytes = held.Bytes();
    if (held.told == use.Level()) return;
    held.told = use.Level();
  }
  if (hears_.level) hears_.level(use);
}

std::vector<QuotaUse> QuotaObjects::Used() const {
  std::vector<QuotaUse> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [ns, held] : held_)
    if (held.counted) all.push_back({ns, held.Bytes(), quotas_.Of(ns)});
  return all;
}

void QuotaObjects::CountAgain() {
  {
    const std::lock_guard lock(mutex_);
    again_ = true;
  }
  wake_.notify_all();
}

Result<QuotaObjects::Counted> QuotaObjects::Count(const std::string& ns,
                                                  const std::map<std::string, Promised>& links,
                                                  const std::stop_token& stop) const {
  std::map<std::string, std::string> promised;  // keys of their blobs
  for (const auto& [digest, link] : links) promised.emplace(BlobKey(ns, digest), digest);
  Counted counted;
  PENSTOCK_ASSIGN(const auto folders, Names(ns + "/blobs"));
  for (const std::string& folder : folders) {
    if (stop.stop_requested()) return Cancelled("stopped");
    const std::string path = ns + "/blobs/" + folder;
    PENSTOCK_ASSIGN(const auto blobs, Uses(path));
    for (const ObjectUse& blob : blobs) {
      counted.bytes += blob.bytes;
      const auto found = promised.find(path + "/" + blob.name);
      if (found != promised.end()) counted.promised.insert(found->second);
    }
  }
  return counted;
}

void QuotaObjects::CountAll(const std::stop_token& stop) {
  const auto namespaces = Names("");
  if (!namespaces) {
    if (hears_.not_counted) hears_.not_counted("", namespaces.error());
    return;
  }
  std::vector<std::string> all = *namespaces;
  {
    const std::lock_guard lock(mutex_);  // those whose last blob has gone, too
    for (const auto& [ns, held] : held_)
      if (std::find(all.begin(), all.end(), ns) == all.end()) all.push_back(ns);
  }
  for (const std::string& ns : all) {
    if (quotas_.Of(ns) == 0) continue;
    const auto old = std::chrono::steady_clock::now() - 2 * interval_;
    std::map<std::string, Promised> links;
    {
      const std::lock_guard lock(mutex_);
      held_[ns].since = 0;
      links = held_[ns].links;
    }
    const auto counted = Count(ns, links, stop);
    if (stop.stop_requested()) return;
    if (!counted) {
      if (hears_.not_counted) hears_.not_counted(ns, counted.error());
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      Held& held = held_[ns];
      // What ended during the count may be in it or not: too much, until the next one.
      held.stored = counted->bytes + held.since;
      std::erase_if(held.links, [&](const auto& link) {
        return counted->promised.contains(link.first) || link.second.given < old;
      });
      held.counted = true;
    }
    TellLevel(ns);
  }
}

void QuotaObjects::Keep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, interval_, [this] { return again_; });
      again_ = false;
    }
    if (!stop.stop_requested()) CountAll(stop);
  }
}

}  // namespace penstock::artifacts
