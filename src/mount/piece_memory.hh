// Memory for pieces: aligned, so that the disk cache can write it past the kernel's own cache, and used again, since fresh pages
// cost more than what is copied into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace werkbank::mount {

using PieceKey = std::pair<size_t, uint64_t>;  // file, piece

// Thread-safe; outlived by its pieces.
class PiecePool {
 public:
  class Piece {
   public:
    std::string_view bytes() const { return {memory_.get(), size_}; }
    size_t size() const { return size_; }
    size_t room() const { return capacity_ - size_; }
    void append(std::string_view more);  // within room()

   private:
    friend class PiecePool;
    struct Free {
      void operator()(char* memory) const;
    };
    std::unique_ptr<char, Free> memory_;
    size_t capacity_ = 0, size_ = 0;
  };

  explicit PiecePool(size_t kept_max);
  // Empty, with room for `size_bytes`. Its memory comes back when the last owner lets go.
  std::shared_ptr<Piece> take(size_t size_bytes);

 private:
  struct Shelf {
    std::mutex mutex;
    size_t kept_max = 0;
    std::vector<std::unique_ptr<Piece>> whole;  // of a whole piece's capacity
  };
  std::shared_ptr<Shelf> shelf_;
};

// Pieces that were used last, up to a size. Not thread-safe.
class RecentPieces {
 public:
  explicit RecentPieces(uint64_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}
  std::shared_ptr<const PiecePool::Piece> find(const PieceKey& key);
  void add(const PieceKey& key, std::shared_ptr<const PiecePool::Piece> piece);

 private:
  using Order = std::list<std::pair<PieceKey, std::shared_ptr<const PiecePool::Piece>>>;
  const uint64_t size_bytes_max_;
  uint64_t size_bytes_ = 0;
  Order order_;  // the one used last in front
  std::map<PieceKey, Order::iterator> index_;
};

}  // namespace werkbank::mount
