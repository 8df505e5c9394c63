// Records of one size in files by partition, so that a pass needs the memory of one partition only.
// Records of a partition keep their order. Used by one thread; the folder outlives the object.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "operator/base/result.h"

namespace penstock::sdk {

class SpillFiles {
 public:
  // Files `name`-0, `name`-1, ... in the folder.
  [[nodiscard]] static Result<SpillFiles> Create(const std::string& folder, const std::string& name,
                                                 std::size_t partitions);
  [[nodiscard]] std::size_t partitions() const { return files_.size(); }

  [[nodiscard]] Result<void> Append(std::size_t partition, const void* data, std::size_t bytes);
  // From the beginning of a partition; what is read lies behind what was read before.
  [[nodiscard]] Result<void> Rewind(std::size_t partition);
  // Internal when there are fewer bytes left.
  [[nodiscard]] Result<void> Read(std::size_t partition, void* data, std::size_t bytes);

  // A whole partition, and one in its place.
  template <typename T>
  [[nodiscard]] Result<std::vector<T>> ReadAll(std::size_t partition) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> records(sizes_[partition] / sizeof(T));
    if (auto ok = Rewind(partition); !ok) return ok.error();
    if (auto ok = Read(partition, records.data(), records.size() * sizeof(T)); !ok) {
      return ok.error();
    }
    return records;
  }
  template <typename T>
  [[nodiscard]] Result<void> Replace(std::size_t partition, const std::vector<T>& records) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (auto ok = Rewind(partition); !ok) return ok;
    sizes_[partition] = 0;
    return Append(partition, records.data(), records.size() * sizeof(T));
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  std::string path_;
  std::vector<std::unique_ptr<std::FILE, Close>> files_;
  std::vector<std::size_t> sizes_;  // bytes
};

}  // namespace penstock::sdk
