#include "components/model/onnx/check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

constexpr std::size_t kMaxBytes = (std::size_t{1} << 31) - 1;  // protobuf's own limit
constexpr int kMaxDepth = 100;                                 // of messages; protobuf's own, too
constexpr std::array<std::string_view, 4> kDomains = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"};

// The fields of one message, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // The next field; false at the end, and where the bytes are no message.
  bool Next() {
    std::uint64_t key = 0;
    if (rest_.empty() || damaged_) return false;
    if (!ReadVarint(&key) || key >> 3U == 0 || key >> 3U > 0x1FFFFFFF) return Damage();
    number_ = static_cast<int>(key >> 3U);
    bytes_ = {};
    is_message_ = (key & 7U) == 2;
    std::uint64_t value = 0;
    switch (key & 7U) {
      case 0:
        return ReadVarint(&value) || Damage();
      case 1:
        return Skip(8) || Damage();
      case 2:
        if (!ReadVarint(&value) || value > rest_.size()) return Damage();
        bytes_ = rest_.substr(0, value);
        return Skip(value);
      case 5:
        return Skip(4) || Damage();
      default:
        return Damage();  // groups, which ONNX has none of
    }
  }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] bool is_message() const { return is_message_; }  // or text
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  bool Damage() {
    damaged_ = true;
    return false;
  }
  bool Skip(std::uint64_t count) {
    if (count > rest_.size()) return false;
    rest_.remove_prefix(count);
    return true;
  }
  bool ReadVarint(std::uint64_t* value) {
    for (unsigned shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift < 64) *value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  std::string_view rest_;
  std::string_view bytes_;
  int number_ = 0;
  bool is_message_ = false;
  bool damaged_ = false;
};

// The messages of onnx.proto that lead to a node or to a tensor, and the fields that hold them.
enum class Kind : std::uint8_t {
  kModel,
  kTraining,
  kFunction,
  kGraph,
  kNode,
  kAttribute,
  kSparse,
  kTensor
};
struct Child {
  Kind parent;
  int field;
  Kind child;
};
constexpr std::array kChildren = {
    Child{Kind::kModel, 7, Kind::kGraph},         Child{Kind::kModel, 20, Kind::kTraining},
    Child{Kind::kModel, 25, Kind::kFunction},     Child{Kind::kTraining, 1, Kind::kGraph},
    Child{Kind::kTraining, 2, Kind::kGraph},      Child{Kind::kFunction, 7, Kind::kNode},
    Child{Kind::kFunction, 11, Kind::kAttribute}, Child{Kind::kGraph, 1, Kind::kNode},
    Child{Kind::kGraph, 5, Kind::kTensor},        Child{Kind::kGraph, 15, Kind::kSparse},
    Child{Kind::kNode, 5, Kind::kAttribute},      Child{Kind::kAttribute, 5, Kind::kTensor},
    Child{Kind::kAttribute, 6, Kind::kGraph},     Child{Kind::kAttribute, 10, Kind::kTensor},
    Child{Kind::kAttribute, 11, Kind::kGraph},    Child{Kind::kAttribute, 22, Kind::kSparse},
    Child{Kind::kAttribute, 23, Kind::kSparse},   Child{Kind::kSparse, 1, Kind::kTensor},
    Child{Kind::kSparse, 2, Kind::kTensor}};

using Operator = std::pair<std::string, std::string>;  // domain, name

class Walk {
 public:
  // False where the bytes are no message.
  bool Read(Kind kind, std::string_view message, int depth) {
    if (depth > kMaxDepth) return false;
    Operator op;
    Fields fields(message);
    while (fields.Next()) {
      if (!fields.is_message()) continue;
      if (kind == Kind::kModel && fields.number() == 7) has_graph_ = true;
      if (kind == Kind::kNode && fields.number() == 4) op.second = fields.bytes();
      if (kind == Kind::kNode && fields.number() == 7) op.first = fields.bytes();
      if (kind == Kind::kFunction && fields.number() == 1) op.second = fields.bytes();
      if (kind == Kind::kFunction && fields.number() == 10) op.first = fields.bytes();
      if (kind == Kind::kTensor && fields.number() == 13 && !ReadEntry(fields.bytes()))
        return false;
      const auto* child = std::find_if(kChildren.begin(), kChildren.end(), [&](const Child& c) {
        return c.parent == kind && c.field == fields.number();
      });
      if (child != kChildren.end() && !Read(child->child, fields.bytes(), depth + 1)) return false;
    }
    if (kind == Kind::kNode) used_.insert(op);
    if (kind == Kind::kFunction) defined_.insert(op);
    if (kind == Kind::kTensor && (!now_.location.empty() || !now_.offset.empty())) {
      external_.push_back(std::exchange(now_, {}));
    }
    return !fields.damaged();
  }

  [[nodiscard]] bool has_graph() const { return has_graph_; }
  [[nodiscard]] std::vector<ExternalData> external() && { return std::move(external_); }
  [[nodiscard]] std::optional<Operator> Unknown() const {
    for (const Operator& op : used_) {
      const bool built_in = std::find(kDomains.begin(), kDomains.end(), op.first) != kDomains.end();
      if (!built_in && !defined_.contains(op)) return op;
    }
    return std::nullopt;
  }

 private:
  bool ReadEntry(std::string_view message) {
    std::string_view key;
    std::string_view value;
    Fields fields(message);
    while (fields.Next()) {
      if (fields.number() == 1) key = fields.bytes();
      if (fields.number() == 2) value = fields.bytes();
    }
    if (key == "location") {
      // said twice: whichever the runtime takes, both are looked at
      if (!now_.location.empty()) external_.push_back(now_);
      now_.location = value.empty() ? "." : value;
    }
    if (key == "offset") now_.offset = value;
    if (key == "length") now_.length = value;
    return !fields.damaged();
  }

  bool has_graph_ = false;
  std::set<Operator> used_;
  std::set<Operator> defined_;
  ExternalData now_;  // of the tensor that is being read
  std::vector<ExternalData> external_;
};

std::optional<std::uint64_t> Number(const std::string& text) {
  std::uint64_t value = 0;
  if (text.empty()) return value;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

// The runtime opens `location` beside the model file.
Result<void> CheckExternal(const std::filesystem::path& folder, const ExternalData& data) {
  const std::string where = "it keeps weights in '" + plan::Shown(data.location) + "', ";
  const std::filesystem::path location(data.location);
  // The runtime takes a name with an asterisk for an address in its own memory.
  const bool plain = !location.is_absolute() && data.location.find('*') == std::string::npos &&
                     data.location.find('\0') == std::string::npos &&
                     std::find(location.begin(), location.end(), "..") == location.end();
  std::error_code error;
  const auto root = std::filesystem::canonical(folder, error);
  const auto file = plain ? std::filesystem::canonical(folder / location, error) : root;
  if (plain && error) {
    return Invalid(where + "which is not there: put it beside the model's file");
  }
  const bool inside =
      std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  if (!plain || !inside) {
    return Invalid(where +
                   "which is no file within the model's folder: save it again with "
                   "onnx.save_model(model, 'model.onnx', save_as_external_data=True, "
                   "location='model.onnx.data'), or in one file");
  }
  const auto size =
      std::filesystem::is_regular_file(file, error) ? std::filesystem::file_size(file, error) : 0;
  const auto offset = Number(data.offset);
  const auto length = Number(data.length);
  if (error || !offset || !length || *offset > size || *length > size - *offset) {
    return Invalid(where + "beyond its " + std::to_string(size) +
                   " bytes: the file is cut short, or another model's");
  }
  return {};
}

}  // namespace

Result<std::vector<ExternalData>> ReadOnnx(std::string_view bytes, const std::string& what) {
  if (bytes.substr(0, 8).ends_with("ORTM")) {
    return Invalid(what +
                   " is in ONNX Runtime's own format (.ort), which is not run here: bring "
                   "the .onnx file that it was made from");
  }
  Walk walk;
  if (!walk.Read(Kind::kModel, bytes, 1) || !walk.has_graph()) {
    return Invalid(what + " is no ONNX model: it is damaged, or another format");
  }
  if (const auto op = walk.Unknown()) {
    return Invalid(what + " uses the operator '" + plan::Shown(op->second) + "' of the domain '" +
                   plan::Shown(op->first) +
                   "', which needs a library of its author's; this server runs those of ai.onnx, "
                   "ai.onnx.ml and com.microsoft: export the model without it");
  }
  return std::move(walk).external();
}

Result<void> CheckOnnx(const std::string& path) {
  PENSTOCK_ASSIGN(const std::string bytes, ReadFile(path, kMaxBytes));
  PENSTOCK_ASSIGN(const auto external, ReadOnnx(bytes, path));
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  for (const ExternalData& data : external) {
    if (auto checked = CheckExternal(folder, data); !checked) return Wrap(path, checked.error());
  }
  return {};
}

}  // namespace penstock::model
