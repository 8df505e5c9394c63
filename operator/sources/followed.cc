#include "operator/sources/followed.h"

#include <algorithm>

#include "operator/base/sha256.h"

namespace penstock::sources {
namespace {

constexpr Milliseconds kLeast{100};
constexpr Milliseconds kWhileAsking{5'000};

}  // namespace

std::string Followed::DigestOf(const std::string& ns, const std::string& key,
                               const std::string& uri, Milliseconds interval) {
  const std::lock_guard lock(mutex_);
  Source& source = sources_[key][uri];
  const auto now = clock_.Steady();
  source.next = std::min(source.next, now + interval);  // of a shorter interval than before
  if (!source.asking && source.next <= now) {
    source.asking = true;
    source.next = now + interval;
    submit_(ns, [this, ns, key, uri, interval] { Ask(ns, key, uri, interval); });
  }
  return source.digest;
}

Followed::Source* Followed::EndAsk(const std::string& key, const std::string& uri,
                                   Milliseconds interval) {
  const auto known = sources_.find(key);
  if (known == sources_.end()) return nullptr;
  const auto source = known->second.find(uri);
  if (source == known->second.end()) return nullptr;
  source->second.asking = false;
  source->second.next = clock_.Steady() + interval;
  return &source->second;
}

void Followed::Ask(const std::string& ns, const std::string& key, const std::string& uri,
                   Milliseconds interval) {
  Fingerprint taken;
  try {
    taken = fingerprints_.Take(ns, uri);
  } catch (...) {  // told by the thread's own; a source that is asked for ever would be lost
    const std::lock_guard lock(mutex_);
    EndAsk(key, uri, interval);
    throw;
  }
  {
    const std::lock_guard lock(mutex_);
    Source* const source = EndAsk(key, uri, interval);
    // silent or without a fingerprint: what was known stands
    if (source == nullptr || taken.value.empty()) return;
    std::string digest = "sha256:" + Sha256Hex(taken.value);
    if (digest == source->digest) return;
    source->digest = std::move(digest);
  }
  wake_(key);
}

void Followed::KeepOnly(const std::string& key, const std::set<std::string>& uris) {
  const std::lock_guard lock(mutex_);
  const auto known = sources_.find(key);
  if (known == sources_.end()) return;
  std::erase_if(known->second, [&](const auto& entry) { return !uris.contains(entry.first); });
  if (known->second.empty()) sources_.erase(known);
}

std::optional<Milliseconds> Followed::NextAsk(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto known = sources_.find(key);
  if (known == sources_.end()) return std::nullopt;
  std::optional<Milliseconds> next;
  for (const auto& [uri, source] : known->second) {
    const auto left =
        source.asking
            ? kWhileAsking
            : std::max(kLeast, std::chrono::ceil<Milliseconds>(source.next - clock_.Steady()));
    next = std::min(next.value_or(left), left);
  }
  return next;
}

}  // namespace penstock::sources
