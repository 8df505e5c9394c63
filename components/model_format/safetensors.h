// The safetensors layout: named tensors in one file, nothing that runs.
//
//   8 bytes   length of the header, little-endian
//   header    {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...} in JSON,
//             perhaps "__metadata__": {text: text}, padded with blanks
//   data      the tensors row-major, little-endian, without holes
//
// The reader trusts nothing: every length is checked against the file before it is used, products
// do not overflow, tensors neither overlap nor leave holes. It maps the file, so that processes
// share its pages; views live as long as the file object. The file must not be cut short while it
// is mapped (a model folder is immutable). Immutable once open, so thread-safe. No LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::sdk {

enum class TensorType : std::uint8_t { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU8, kBool };
[[nodiscard]] const char* Name(TensorType type);  // "F64", "BF16", "BOOL", ...
[[nodiscard]] std::size_t SizeOf(TensorType type);

struct TensorView {
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape;  // empty: a scalar
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  // Invalid names the file and the tensor.
  [[nodiscard]] static Result<std::shared_ptr<const SafetensorsFile>> Open(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  [[nodiscard]] const std::map<std::string, TensorView, std::less<>>& tensors() const {
    return tensors_;
  }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Null when there is no such tensor.
  [[nodiscard]] const TensorView* Find(std::string_view name) const;

 private:
  SafetensorsFile() = default;
  Result<void> ParseHeader(const std::string& path);

  const std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes atomically; tensors of wide elements come first, so that each is aligned. Invalid for a
// shape that does not fit its bytes.
[[nodiscard]] Result<void> WriteSafetensors(const std::string& path,
                                            const std::map<std::string, TensorView>& tensors,
                                            const std::map<std::string, std::string>& metadata);

}  // namespace penstock::sdk
