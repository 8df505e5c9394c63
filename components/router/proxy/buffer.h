// Bytes under way. A buffer owns a block only while it has bytes, so that an idle connection costs
// none; blocks are of one size and given back to the worker's pool. One thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace penstock::router {

class BlockPool {
 public:
  static constexpr std::size_t kBlock = 16U << 10;
  static constexpr std::size_t kMostSpare = 256;  // 4 MiB a worker

  [[nodiscard]] std::unique_ptr<char[]> Take() {
    ++taken_;
    if (spare_.empty()) return std::unique_ptr<char[]>(new char[kBlock]);
    auto block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }
  void Give(std::unique_ptr<char[]> block) {
    --taken_;
    if (spare_.size() < kMostSpare) spare_.push_back(std::move(block));
  }
  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  std::vector<std::unique_ptr<char[]>> spare_;
  std::size_t taken_ = 0;
};

class Buffer {
 public:
  explicit Buffer(BlockPool* pool) : pool_(pool) {}
  ~Buffer() { Release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] char* data() { return block_.get() + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool has_block() const { return block_ != nullptr; }
  // Where more may be written, after room was made.
  [[nodiscard]] char* tail() { return block_.get() + end_; }
  [[nodiscard]] std::size_t room() const { return block_ ? BlockPool::kBlock - end_ : 0; }

  // Takes a block if there is none, and moves what there is to its front.
  void MakeRoom() {
    if (!block_) block_ = pool_->Take();
    if (begin_ == 0) return;
    std::memmove(block_.get(), data(), size());
    end_ -= begin_;
    begin_ = 0;
  }
  void Added(std::size_t n) { end_ += n; }
  void Append(const char* bytes, std::size_t n) {
    std::memcpy(tail(), bytes, n);
    end_ += n;
  }
  void Consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Takes out the bytes [from, from + n) counted from data().
  void Cut(std::size_t from, std::size_t n) {
    std::memmove(data() + from, data() + from + n, size() - from - n);
    end_ -= n;
  }
  void Release() {
    if (block_) pool_->Give(std::move(block_));
    begin_ = end_ = 0;
  }
  // Without bytes no block either.
  void ReleaseIfEmpty() {
    if (empty()) Release();
  }

 private:
  BlockPool* const pool_;
  std::unique_ptr<char[]> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace penstock::router
