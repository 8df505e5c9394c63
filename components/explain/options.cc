#include "components/explain/options.h"

#include "components/sdk/step.h"
#include "operator/base/try.h"

namespace penstock::explain {

Result<Options> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  Options options;
  options.explain.method = p.OneOf("method", "auto", {"auto", "trees", "linear", "sampled"});
  options.explain.background = p.Integer("backgroundRows", 100, 4, 10'000);
  if (options.explain.background % 2 != 0) {
    p.Fail("backgroundRows: must be even, as permutations come in pairs");
  }
  options.explain.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  const std::int64_t rows = p.Integer("rows", 0, 0, INT64_MAX);
  if (rows > 0) options.rows = rows;
  PENSTOCK_TRY(p.Finish());
  return options;
}

}  // namespace penstock::explain
