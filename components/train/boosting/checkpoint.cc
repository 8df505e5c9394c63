#include "components/train/boosting/checkpoint.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::train {
namespace {

constexpr std::size_t kDigest = 64;  // hex digits
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 30;

void Update(Sha256& digest, const Rows& rows) {
  const std::uint64_t shape[] = {rows.x->rows, rows.x->width, rows.y.size(), rows.weight.size()};
  digest.Update(shape, sizeof(shape));
  digest.Update(rows.x->data.get(), rows.x->rows * rows.x->width * sizeof(float));
  digest.Update(rows.y.data(), rows.y.size_bytes());
  digest.Update(rows.weight.data(), rows.weight.size_bytes());
}

}  // namespace

std::string RunDigest(const Json& what, const Rows& train, const Rows* held_out,
                      const Context& context) {
  Sha256 digest;
  Json all = {{"what", what},
              {"task", sdk::Name(context.target.task)},
              {"classes", context.target.classes},
              {"loss", int(context.target.loss)},
              {"delta", context.target.delta},
              {"quantile", context.target.quantile},
              {"seed", context.seed},
              {"threads", context.threads},
              {"cardinalities", Json::array()}};
  for (const sdk::Feature& feature : context.features)
    all["cardinalities"].push_back(feature.cardinality);
  digest.Update(all.dump());
  Update(digest, train);
  if (held_out != nullptr) Update(digest, *held_out);
  return digest.HexDigest();
}

Checkpoint::Checkpoint(std::string folder, std::string run)
    : path_(folder.empty() ? "" : std::move(folder) + "/boosting.checkpoint"),
      run_(std::move(run)) {}

Result<std::optional<Json>> Checkpoint::Read() const {
  const std::optional<Json> none;
  if (!kept()) return none;
  const auto size = SizeOfFile(path_);
  if (!size) return size.error();
  if (!*size) return none;
  const auto text = ReadFile(path_, kMostBytes);
  if (!text) return text.error();
  if (text->size() < kDigest) return none;
  const std::string_view state = std::string_view(*text).substr(kDigest);
  if (Sha256Hex(state) != std::string_view(*text).substr(0, kDigest)) return none;
  Json json = Json::from_cbor(state, true, false);
  if (json.is_discarded() || !json.is_object() || json.value("run", "") != run_) return none;
  return std::optional<Json>(std::move(json["state"]));
}

Result<void> Checkpoint::Write(const Json& state) const {
  if (!kept()) return {};
  const std::vector<std::uint8_t> bytes = Json::to_cbor({{"run", run_}, {"state", state}});
  const std::string_view view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto file = AtomicFile::Create(path_);
  if (!file) return Wrap("the checkpoint of boosting", file.error());
  if (auto written = file->Write(Sha256Hex(view)); !written) return written;
  if (auto written = file->Write(view); !written) return written;
  return file->Commit();
}

}  // namespace penstock::train
