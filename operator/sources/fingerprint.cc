#include "operator/sources/fingerprint.h"

#include <algorithm>

#include "operator/artifacts/manifest.h"
#include "operator/base/shown_text.h"
#include "operator/protocol/file_uri.h"
#include "operator/protocol/span_uri.h"
#include "operator/protocol/table_uri.h"
#include "operator/protocol/task.h"
#include "operator/sources/http_head.h"

namespace penstock::sources {
namespace {

constexpr std::size_t kMostServers = 10'000;  // that are silent
constexpr Milliseconds kLongestSilence{60'000};
constexpr std::size_t kLongest = 1024;  // of a fingerprint, as the launcher has it

// What a server says may be long, and is kept as long as the run.
Fingerprint Unknown(const std::string& why) { return {"", plan::Shown(why), false, false}; }

Fingerprint Unknown(const Error& why) {
  return {"", plan::Shown(why.message), why.kind == ErrorKind::kForbidden,
          PassesByItself(why.kind)};
}

Fingerprint OfHttp(const std::string& uri, const FingerprintOptions& options) {
  HeadOptions head;
  head.may_ask = options.may_ask;
  if (!head.may_ask && !options.local_files) {
    head.may_ask = [](const std::string& host, const std::string& address) {
      return net::AddressPolicy({}).Check(host, address);
    };
  }
  head.stop = options.stop;
  auto reply = HttpHead(uri, head);
  if (!reply) return Unknown(reply.error());
  if (reply->status != 200) {
    auto none = Unknown(ShownUri(uri) + " answered with status " + std::to_string(reply->status));
    none.silent = reply->status == 429 || reply->status >= 500;
    return none;
  }
  const auto header = [&](const char* name) { return std::string(reply->Header(name)); };
  std::string print =
      HttpFingerprint(header("x-amz-version-id"), header("etag"), header("content-length"));
  if (print.size() > kLongest) return Unknown(ShownUri(uri) + " has an ETag of more than 1 KiB");
  if (print.empty())
    return Unknown(ShownUri(uri) +
                   " answers without a strong ETag or a length, or a version, to know it by");
  return {std::move(print), "", false, false};
}

// A state that is named for good needs no question.
Fingerprint OfTable(const std::string& uri) {
  const auto table = ParseTableUri(uri);
  if (!table) return Unknown(ShownUri(uri) + ": " + table.error().message);
  std::string print = FingerprintOf(*table);
  if (!print.empty()) return {std::move(print), "", false, false};
  const bool delta = table->format == TableFormat::kDelta;
  return Unknown(ShownUri(uri) + " is read by the step's pod, and its state is not known here; " +
                 (delta ? "?version=NUMBER&table=ID" : "?snapshot=ID") + " names one for good");
}

}  // namespace

Fingerprint TakeFingerprint(const std::string& uri, const FingerprintOptions& options) {
  if (uri.rfind("http://", 0) == 0 || uri.rfind("https://", 0) == 0) return OfHttp(uri, options);
  if (IsFileUri(uri) || uri.rfind('/', 0) == 0) {
    if (!options.local_files)
      return Unknown("the file " + uri + " is read by the step's pod, and is not known here");
    if (IsSpanUri(uri))
      return Unknown(uri + " is a window of files, which are looked for when the step reads them");
    const auto path = IsFileUri(uri) ? PathOfFileUri(uri) : Result<std::string>(uri);
    if (!path) return Unknown(uri + ": " + path.error().message);
    auto content = artifacts::ContentFingerprint(*path);
    return content ? Fingerprint{*std::move(content), ""} : Unknown(content.error().message);
  }
  if (IsTableUri(uri)) return OfTable(uri);
  const std::string scheme = uri.substr(0, uri.find(':'));
  return Unknown("sources of " + scheme + ": tell nothing of what they hold");
}

Fingerprint Fingerprints::Take(const std::string& ns, const std::string& uri) {
  const std::size_t scheme = uri.find("://");
  if (!uri.starts_with("http") || scheme == std::string::npos)
    return TakeFingerprint(uri, options_);
  const std::string server = ns + " " + uri.substr(0, uri.find_first_of("/?#", scheme + 3));
  {
    const std::lock_guard lock(mutex_);
    const auto known = silent_.find(server);
    if (known != silent_.end() && clock_.Steady() < known->second.until) return known->second.last;
  }
  Fingerprint taken = TakeFingerprint(uri, options_);
  Note(server, taken);
  return taken;
}

void Fingerprints::Note(const std::string& server, const Fingerprint& taken) {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  if (!taken.silent) {
    silent_.erase(server);
    return;
  }
  if (silent_.size() >= kMostServers) {
    std::erase_if(silent_, [&](const auto& entry) { return entry.second.until <= now; });
    if (silent_.size() >= kMostServers) silent_.clear();
  }
  Silence& silence = silent_[server];
  // Of several that asked at once the first counts.
  if (now < silence.until) return;
  silence.last = taken;
  silence.until = now + std::min(kLongestSilence, Milliseconds{1'000} * (1 << silence.times));
  silence.times = std::min(silence.times + 1, 6);
}

}  // namespace penstock::sources
