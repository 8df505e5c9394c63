// Where runs are: objects as they stand, what is recorded of them, their logs and artifacts. Two
// answer: a cluster (cluster_place.h) and a local state folder (cli/ui). Any thread; calls block.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/metadata/query.h"

namespace penstock::views {

// A piece of a container's log, of at most the bytes that were asked for.
struct LogPiece {
  std::string text;
  std::uint64_t offset = 0;  // of its first byte in the whole log
  std::uint64_t size = 0;    // of the log, as far as it is known
  bool complete = false;     // nothing will come any more, and this is its end
};
struct LogAsk {
  std::string ns, pod, run_uid;
  std::uint64_t offset = 0;
  std::uint64_t limit = 1 << 20;
  std::optional<std::uint64_t> tail;  // the last bytes, instead of an offset
  bool ended = false;                 // the attempt has: its log grows no more
};

class Place {
 public:
  virtual ~Place() = default;

  // "cluster" or "local".
  [[nodiscard]] virtual std::string mode() const = 0;
  // Those that it looks after; empty: all of a cluster.
  [[nodiscard]] virtual std::vector<std::string> namespaces() const = 0;
  // kNotFound where it does not stand.
  [[nodiscard]] virtual Result<Json> Get(const kube::ResourceType& type, const std::string& ns,
                                         const std::string& name,
                                         const std::stop_token& stop) const = 0;
  [[nodiscard]] virtual Result<std::vector<Json>> List(const kube::ResourceType& type,
                                                       const std::string& ns,
                                                       const std::string& labels,
                                                       const std::stop_token& stop) const = 0;
  // Events (events.k8s.io) about the object of this name; none where nobody keeps them.
  [[nodiscard]] virtual Result<std::vector<Json>> Events(const std::string& ns,
                                                         const std::string& name,
                                                         const std::stop_token& stop) const = 0;
  // kNotFound: no log is kept.
  [[nodiscard]] virtual Result<LogPiece> Log(const LogAsk& ask,
                                             const std::stop_token& stop) const = 0;
  // Puts right what a record cannot know: that its run's object was deleted, or its process killed.
  // Whether the object is gone; nothing: nobody knows.
  [[nodiscard]] virtual std::optional<bool> Settle(metadata::RunRecord& run) const = 0;

  [[nodiscard]] virtual const metadata::Query& history() const = 0;
  [[nodiscard]] virtual const artifacts::Store& store() const = 0;
  // What stands behind `penstock` in a command that acts here, such as "-n team"; may be empty.
  [[nodiscard]] virtual std::string Flags(const std::string& ns) const = 0;
};

}  // namespace penstock::views
