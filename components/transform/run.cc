#include "components/transform/run.h"

#include <cstdio>

#include "components/sdk/dataset.h"
#include "components/transform/fit.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

constexpr std::int64_t kMaxTopK = 10'000'000;

Result<FitOptions> ReadOptions(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  FitOptions options;
  options.label = p.String("label", "");
  options.impute = p.Object("impute");
  options.scale = p.Strings("scale");
  options.one_hot = p.Strings("oneHot");
  options.passthrough = p.Strings("passthrough");
  const Json vocabulary = p.Object("vocabulary");
  for (const auto& [column, value] : vocabulary.items()) {
    if (!value.is_object()) {
      p.Fail("vocabulary: '" + column + "' takes an object such as {topK: 100}");
      break;
    }
    sdk::Parameters v(value);
    options.vocabulary[column].top_k = v.Integer("topK", 1000, 1, kMaxTopK);
    options.vocabulary[column].oov_buckets = v.Integer("oovBuckets", 1, 1, 1'000'000);
    if (auto ok = v.Finish(); !ok) p.Fail("vocabulary." + column + ": " + ok.error().message);
  }
  PENSTOCK_TRY(p.Finish());
  return options;
}

}  // namespace

Result<void> RunTransform(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(options.label, sdk::LabelColumn(options.label, dataset));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("transform"));
  std::vector<std::string> notes;
  PENSTOCK_ASSIGN(auto spec, Fit(dataset, options, &notes));
  for (const auto& note : notes) std::printf("%s\n", note.c_str());
  const std::string text = sdk::ToJson(spec).dump(1) + "\n";
  PENSTOCK_TRY(WriteFileAtomically(output, text));
  PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(std::move(spec)));
  std::printf("fitted %zu operations on %zu columns, %zu features\n", transform.spec().steps.size(),
              transform.inputs().size(), transform.width());
  return step.WriteResult("features", transform.width());
}

}  // namespace penstock::transform
