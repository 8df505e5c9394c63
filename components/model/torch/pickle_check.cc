#include "components/model/torch/pickle_check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace penstock::model {
namespace {

constexpr std::streamoff kTail = 1 << 20;

bool HasPickleName(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".pkl" || extension == ".pickle" || extension == ".joblib";
}

// Protocol 2 and newer begin with 0x80 and their number; joblib's are pickles too. (Protocols 0 and
// 1 are plain text without a mark; their extension gives them away.)
bool IsPickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

// A zip whose directory (at the end) names data.pkl but none of TorchScript's code.
bool IsTorchSave(std::string_view head, std::string_view tail) {
  return head.starts_with("PK") && tail.find("/data.pkl") != std::string_view::npos &&
         tail.find("/code/") == std::string_view::npos &&
         tail.find("/constants.pkl") == std::string_view::npos;
}

Error Refusal(const std::string& path, const char* what) {
  return Invalid(path + " is " + what +
                 ": to load it is to run any program that its author put there, so this server "
                 "does not. Export the network instead: torch.jit.script(model).save('model.ts') "
                 "for torchscript, torch._inductor.aoti_compile_and_package for aotinductor, "
                 "safetensors.torch.save_file with a network.json for safetensors; of xgboost, "
                 "booster.save_model('model.ubj'); of scikit-learn, skl2onnx.to_onnx for onnx");
}

}  // namespace

Result<void> RefusePickle(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  std::string head(static_cast<std::size_t>(std::min<std::streamoff>(size, 4)), '\0');
  file.seekg(0).read(head.data(), static_cast<std::streamsize>(head.size()));
  std::string tail(static_cast<std::size_t>(std::min(size, kTail)), '\0');
  file.seekg(size - static_cast<std::streamoff>(tail.size()))
      .read(tail.data(), static_cast<std::streamsize>(tail.size()));
  if (!file) return {};
  if (IsTorchSave(head, tail)) return Refusal(path, "what torch.save() wrote, a Python pickle");
  if (IsPickle(head) || HasPickleName(path)) return Refusal(path, "a Python pickle");
  return {};
}

Error NoManifest(const std::string& folder) {
  Error error = NotFound(folder + " has no model.yaml, which says what the model takes and gives");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    if (auto refused = RefusePickle(entry.path().string()); !refused) {
      error.message += "; and " + refused.error().message;
      break;
    }
  }
  return error;
}

}  // namespace penstock::model
