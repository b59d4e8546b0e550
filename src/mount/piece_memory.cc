#include "mount/piece_memory.hh"

#include <cstdlib>
#include <cstring>
#include <new>

#include "data/cache/file_cache.hh"

namespace werkbank::mount {
namespace {

constexpr size_t kAlignment = 4096;

}  // namespace

void PiecePool::Piece::Free::operator()(char* memory) const { std::free(memory); }

void PiecePool::Piece::append(std::string_view more) {
  std::memcpy(memory_.get() + size_, more.data(), more.size());
  size_ += more.size();
}

PiecePool::PiecePool(size_t kept_max) : shelf_(std::make_shared<Shelf>()) { shelf_->kept_max = kept_max; }

std::shared_ptr<PiecePool::Piece> PiecePool::take(size_t size_bytes) {
  std::unique_ptr<Piece> piece;
  const size_t capacity = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const bool is_whole = capacity == data::kCachePieceBytes;
  if (is_whole) {
    const std::lock_guard lock(shelf_->mutex);
    if (!shelf_->whole.empty()) {
      piece = std::move(shelf_->whole.back());
      shelf_->whole.pop_back();
    }
  }
  if (!piece) {
    piece = std::make_unique<Piece>();
    piece->memory_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, capacity)));
    if (!piece->memory_) throw std::bad_alloc();
    piece->capacity_ = capacity;
  }
  piece->size_ = 0;
  const auto give_back = [shelf = shelf_, is_whole](Piece* used) {
    std::unique_ptr<Piece> owned(used);
    if (!is_whole) return;
    const std::lock_guard lock(shelf->mutex);
    if (shelf->whole.size() < shelf->kept_max) shelf->whole.push_back(std::move(owned));
  };
  return {piece.release(), give_back};
}

std::shared_ptr<const PiecePool::Piece> RecentPieces::find(const PieceKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->second;
}

void RecentPieces::add(const PieceKey& key, std::shared_ptr<const PiecePool::Piece> piece) {
  if (index_.contains(key)) return;
  size_bytes_ += piece->size();
  order_.emplace_front(key, std::move(piece));
  index_[key] = order_.begin();
  while (size_bytes_ > size_bytes_max_ && order_.size() > 1) {
    size_bytes_ -= order_.back().second->size();
    index_.erase(order_.back().first);
    order_.pop_back();
  }
}

}  // namespace werkbank::mount
