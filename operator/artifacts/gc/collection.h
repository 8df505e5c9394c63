// The end of artifacts: what nothing refers to any more, and nobody has put to use for a while, is
// removed from the store. A mark and a sweep, one namespace after the other; what a namespace's
// references name is nothing to another's.
//
//   is it another's? (collector.h) -> drop old cache entries -> mark: cache entries, receipts,
//   references, references once more
//     -> mark the files of folders -> keep what is young, and its files
//     -> remove folders (their manifests) -> remove the rest
//
// Why it is safe while the store is used:
// - What a text names (any "sha256:<hex>" in it) is in use, whatever it means: marks are too many
//   at worst. What cannot be read, be it one object, ends the namespace's collection before any
//   blob is removed: nobody knows what it names.
// - References move on from object to object: receipt, run, history, pipeline, model, deployment.
//   They are read in that order, so that one that moves is met at its new place, and they are read
//   twice, so that one that moves back (a run that takes a pipeline's output) would have to move
//   twice, each time against the reading.
// - Whoever begins to refer to what he merely found (a cache hit, an input by digest, code, an
//   upload of bytes that are there) puts it to use first (Store::Use): its time is now. Objects::
//   RemoveUnused looks at that time under a lock that keeps out both the touch and the end of an
//   upload. So either the touch comes first, and the blob stays, or the removal does, and who asked
//   is told that it is not there: the step runs, the bytes are sent.
// - Of a folder only the manifest is touched. Manifests go before any file goes: one that is kept
//   by its touch is read then, and its files are kept with it; after that a touch of one that went
//   finds nothing.
// - Files of an upload whose manifest is not there yet, results whose receipt is not there yet:
// they
//   are younger than `grace`, by the store's own clock. A blob on its way in (tmp/, parts of S3)
//   has no name yet, and is nothing to a collection.
// - It keeps no state: one that was killed in between has removed what nobody refers to, manifests
//   before their files, and the next begins anew. A folder's files without their manifest are
//   orphans like others.
//
// Memory: DigestSet of all that is marked, 37 MiB of a million blobs; one of 256 folders of names
// at a time (4,000 of a million, under 1 MiB); manifests and references stream by.
//
// Functions of their arguments; they block on the store. One collection of a store at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "operator/artifacts/gc/collector.h"
#include "operator/artifacts/store.h"
#include "operator/base/json_fwd.h"

namespace penstock::artifacts {

inline constexpr std::chrono::hours kGrace{24 * 7};
inline constexpr std::chrono::hours kKeepCache{24 * 30};

// What refers to artifacts, outside of the store.
class References {
 public:
  virtual ~References() = default;
  using TextSink = std::function<void(std::string_view)>;
  // Hands on every text that may name an artifact of the namespace, in the order in which
  // references move on. An error where not all could be read. Called twice a collection.
  [[nodiscard]] virtual Result<void> Each(const std::string& ns, const TextSink& sink,
                                          const std::stop_token& stop) = 0;
};

struct CollectOptions {
  std::chrono::seconds grace = kGrace;           // since it was put to use last
  std::chrono::seconds keep_cache = kKeepCache;  // of an entry, since it was used last
  bool dry_run = false;                          // says the same, and removes nothing
  std::vector<std::string> namespaces = {};      // empty: all of the store
  std::stop_token stop = {};
  std::optional<Collector> collector = {};  // who collects; none: it is not looked whose it is
  bool take_over = false;                   // from another collector, who is gone
};

// Blobs: the files of artifacts, and folders' manifests.
struct Amount {
  std::uint64_t files = 0, bytes = 0;
  void Add(std::uint64_t more) { ++files, bytes += more; }
  bool operator==(const Amount&) const = default;
};

struct NamespaceUse {
  std::string ns;
  Amount in_use;                    // something refers to it
  Amount cached;                    // the cache does, and nothing else
  Amount recent;                    // nothing does, and it was put to use within `grace`
  Amount orphaned;                  // removed; of a dry run: would be
  std::uint64_t cache_entries = 0;  // dropped, or would be
  std::string error;                // why it is not all done; "" where it is
};

struct Collected {
  bool dry_run = false;
  std::vector<NamespaceUse> namespaces;
  [[nodiscard]] Amount Removed() const;  // 0 of a dry run
  [[nodiscard]] const std::string* FirstError() const;
};

[[nodiscard]] Collected Collect(const Store& store, References& references,
                                const CollectOptions& options);

// {"dryRun": false, "namespaces": [{"namespace": "team", "inUse": {"files": 1, "bytes": 2}, ...}]}
[[nodiscard]] Json Report(const Collected& collected);

// The namespaces of a store, or of those that are asked for the ones that it has.
[[nodiscard]] Result<std::vector<std::string>> NamespacesOf(const Store& store,
                                                            const std::vector<std::string>& asked);
// The folders of blobs, or of cache entries, of a namespace: "ns/blobs/ab".
[[nodiscard]] Result<std::vector<std::string>> FoldersOf(const Store& store, const std::string& ns,
                                                         const char* kind);

}  // namespace penstock::artifacts
