// Manifests as a user writes them: YAML to objects, each value with its line.
#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "tests/fuzz/require.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto documents = api::ParseManifests(fuzz::Text(data, size), "fuzz.yaml");
  if (!documents) {
    fuzz::Require(!documents.error().message.empty());
    return 0;
  }
  for (const auto& document : *documents) {
    for (const auto& [path, line] : document.lines) fuzz::Require(line > 0);
    // What was read is JSON, which is YAML: it is read back the same.
    const auto again = api::ParseManifests(CanonicalJson(document.object), "again.yaml");
    fuzz::Require(!again || again->empty() ||
                  CanonicalJson(again->front().object) == CanonicalJson(document.object));
    for (const auto& error : api::DecodePipeline(document.object).errors)
      (void)document.LineOf(error.path);
  }
  return 0;
}
