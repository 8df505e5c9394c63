#include "components/train/trial_store.h"

#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr std::uint64_t kMostBytes = 8ULL << 30;

void AddRows(const Rows& rows, Sha256& sum) {
  const std::uint64_t shape[2] = {rows.x->rows, rows.x->width};
  sum.Update(shape, sizeof shape);
  sum.Update(rows.x->data.get(), rows.x->rows * rows.x->width * sizeof(float));
  sum.Update(rows.y.data(), rows.y.size_bytes());
  sum.Update(rows.weight.data(), rows.weight.size_bytes());
}

// A JSON list of numbers would take ten times the bytes.
Json Packed(const std::vector<double>& values) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
  return Json::binary({bytes, bytes + values.size() * sizeof(double)});
}

std::vector<double> Unpacked(const Json& json) {
  const auto& bytes = json.get_binary();
  std::vector<double> values(bytes.size() / sizeof(double));
  std::copy(bytes.begin(), bytes.begin() + std::ptrdiff_t(values.size() * sizeof(double)),
            reinterpret_cast<std::uint8_t*>(values.data()));
  return values;
}

}  // namespace

Result<std::optional<std::vector<Trial>>> TrialStore::Find(const std::string& key) const {
  if (!active()) return std::optional<std::vector<Trial>>();
  const std::string path = folder_ + "/trial-" + key + ".cbor";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<std::vector<Trial>>();
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, kMostBytes));
  std::vector<Trial> trials;
  try {
    const Json json = Json::from_cbor(text);
    for (const Json& t : json.at("trials")) {
      Trial trial;
      trial.setting = t.at("setting");
      trial.answers = Unpacked(t.at("answers"));
      if (!t.at("rounds").is_null()) trial.rounds = t.at("rounds").get<double>();
      trials.push_back(std::move(trial));
    }
  } catch (const Json::exception& e) {
    return Invalid(path + ": is no finished trial (" + e.what() + "); remove it");
  }
  return std::optional(std::move(trials));
}

Result<void> TrialStore::Keep(const std::string& key, const std::vector<Trial>& trials) const {
  if (!active()) return {};
  Json list = Json::array();
  for (const Trial& t : trials) {
    list.push_back({{"setting", t.setting},
                    {"answers", Packed(t.answers)},
                    {"rounds", t.rounds ? Json(*t.rounds) : Json()}});
  }
  const auto bytes = Json::to_cbor({{"trials", std::move(list)}});
  return WriteFileAtomically(folder_ + "/trial-" + key + ".cbor",
                             {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<std::string> TrialStore::FolderFor(const std::string& key) const {
  if (!active()) return std::string();
  const std::string path = folder_ + "/" + key;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return FromErrno("parameter checkpoint: " + path, error.value());
  return path;
}

void TrialStore::Drop(const std::string& key) const {
  std::error_code ignored;  // what stays there takes room, and is not read again
  if (active()) std::filesystem::remove_all(folder_ + "/" + key, ignored);
}

std::string TrialKey(const Json& what, const Rows& train, const Rows* held_out) {
  Sha256 sum;
  sum.Update(what.dump());
  AddRows(train, sum);
  if (held_out != nullptr) AddRows(*held_out, sum);
  return sum.HexDigest().substr(0, 32);
}

}  // namespace penstock::train
