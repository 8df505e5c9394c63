// The cache key of a step (docs/design.md, 5): SHA-256 over canonical JSON of key version,
// namespace, code identity, command, args, workingDir, literal env, mounts and what they are of,
// resolved parameters, input digests, declared outputs. Secrets, launcher and operator versions are
// never in it. Pure.
#pragma once

#include <map>
#include <string>

#include "operator/plan/resolve/resolve.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

struct CacheKeyInputs {
  std::string namespace_;
  const ResolvedStep* step = nullptr;
  std::map<std::string, Json> parameters;                // resolved values
  std::map<std::string, std::string> input_identities;   // of artifacts: input name -> digest
  std::map<std::string, std::string> source_identities;  // of URIs: input name -> SourceIdentity()
  std::string own_code = {};                             // digest of the step's code
  std::string packages = {};                             // digest of Python's
  Json values = Json::object();                          // TaskDocument::values
  std::optional<LoopItem> item = {};  // its value is in the key, its index is not
};

// How a source is named where many can read it: by its URI, or, where that has a query, which may
// be a signature, by the URI as it is shown and a digest of all of it. A name is its own name.
[[nodiscard]] std::string SourceName(const std::string& uri);

// What names the content of the source of a URI or name; empty without a fingerprint. A digest says
// all; anything else only what changed at this place.
[[nodiscard]] std::string SourceIdentity(const std::string& uri, const std::string& fingerprint);

struct CacheKey {
  std::string key;      // 64 hex; empty: not cacheable
  std::string why_not;  // Disabled, ImageNotPinned, SecretsWithoutSalt, RunValue,
                        // NoFingerprint
  // The key but for the sources, so that it can be told once the step has read them: WithSources().
  // Empty where the step has none, or no key whatever they are.
  std::string base;
};

// What names the code of all its programs; empty when nothing does (ImageNotPinned).
[[nodiscard]] std::string CodeIdentity(const ResolvedStep& step);

// True when the step's program or a parameter of it asks for what no other run has: the address of
// a daemon, and $(run.*) but for namespace and scheduledTime, which count by their values.
[[nodiscard]] bool AsksRunValue(const ResolvedStep& step);

// Why a step can have no key, whatever its inputs are; empty: it can.
[[nodiscard]] std::string WhyNotCacheable(const ResolvedStep& step);

// What the key is made of but for the sources, one entry an ingredient: "command", "parameters",
// "inputs", ... For the key, and for people who ask why it is another one.
[[nodiscard]] Json CacheIngredients(const CacheKeyInputs& inputs);

[[nodiscard]] CacheKey ComputeCacheKey(const CacheKeyInputs& inputs);

// Empty when a source has no identity.
[[nodiscard]] std::string WithSources(const std::string& base,
                                      const std::map<std::string, std::string>& identities);

// The key without the inputs that the run's own Pipeline published last (a baseline). An entry
// under this "settled key" answers for the step when what was published last is its very output:
// the step's last decision stands, there is nothing to decide again. Equal to the key of a first
// run, which has no such inputs. Otherwise a decision that published something would change its own
// input, and the next run of an unchanged Pipeline would never be wholly cached.
[[nodiscard]] CacheKey ComputeSettledKey(CacheKeyInputs inputs);

}  // namespace penstock::plan
