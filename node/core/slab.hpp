#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tulle::node {

class SlabArena;

/// Append-only bytes of encoded frames, shared by the outboxes of a shard.
///
/// Thread: confined to the shard of the arena; the reference count is not atomic.
/// Ownership: SlabRef counts references. With the last reference the slab goes back to its arena.
class Slab {
public:
    explicit Slab(std::size_t capacity) : capacity_(capacity), bytes_(new char[capacity]) {}

    [[nodiscard]] const char* data() const { return bytes_.get(); }
    [[nodiscard]] std::size_t used() const { return used_; }
    /// Bytes that can still be appended.
    [[nodiscard]] std::size_t room() const { return capacity_ - used_; }
    /// Copies `bytes` behind the used bytes. REQUIRES: bytes.size() <= room().
    void append(std::string_view bytes);

private:
    friend class SlabArena;
    friend class SlabRef;
    friend struct SlabRange;

    std::size_t capacity_;
    std::size_t used_ = 0;
    std::uint32_t references_ = 0;
    /// The arena that takes the slab back.
    SlabArena* home_ = nullptr;
    std::unique_ptr<char[]> bytes_;
};

/// A counted reference that keeps the bytes of a slab in place. Confined to the shard of the slab's arena. The arena
/// must outlive the reference.
class SlabRef {
public:
    SlabRef() = default;
    explicit SlabRef(Slab* slab) : slab_(slab) { ++slab_->references_; }
    SlabRef(const SlabRef& other) : slab_(other.slab_) {
        if (slab_ != nullptr) {
            ++slab_->references_;
        }
    }
    SlabRef(SlabRef&& other) noexcept : slab_(std::exchange(other.slab_, nullptr)) {}
    SlabRef& operator=(const SlabRef& other) {
        if (other.slab_ != nullptr) {
            ++other.slab_->references_;
        }
        reset();
        slab_ = other.slab_;
        return *this;
    }
    SlabRef& operator=(SlabRef&& other) noexcept {
        Slab* const slab = std::exchange(other.slab_, nullptr);
        reset();
        slab_ = slab;
        return *this;
    }
    ~SlabRef() { reset(); }

    /// Lets go of the slab. Always inline, because each delivery calls reset a few times, mostly where the compiler
    /// sees a null reference.
    [[gnu::always_inline]] void reset() {
        if (slab_ != nullptr && --slab_->references_ == 0) {
            give_back();
        }
        slab_ = nullptr;
    }

    [[nodiscard]] const Slab* get() const { return slab_; }
    [[nodiscard]] Slab* get() { return slab_; }
    friend bool operator==(const SlabRef&, const SlabRef&) = default;

private:
    /// Returns the slab to its arena. Out of line, to keep reset small.
    void give_back();

    Slab* slab_ = nullptr;
};

/// Bytes in a slab: whole frames, so that the bytes behind the range in an outbox begin with a frame again.
struct SlabRange {
    SlabRef slab;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;

    [[nodiscard]] std::string_view view() const { return {slab.get()->data() + offset, size}; }

    /// Appends `next` to this range if `next` begins at the end of this range and both together have at most
    /// `max_bytes` bytes. False: both ranges are unchanged.
    [[nodiscard]] bool join(const SlabRange& next, std::size_t max_bytes) {
        if (slab != next.slab || offset + size != next.offset || std::size_t{size} + next.size > max_bytes) {
            return false;
        }
        size += next.size;
        return true;
    }

    /// Bytes of memory that this range keeps in place: the range's share of the slab. All references to a slab have
    /// equal shares.
    [[nodiscard]] std::size_t pinned() const;
    /// Copies the bytes into `copies` when the range keeps more than kMaxPinFactor times its size in place, and then
    /// refers to the copy. A fresh slab replaces `copies` when `copies` has no room.
    void move_out(SlabRef& copies);
};

/// Encodes the frames of a shard, each once. Slabs without references are used again.
///
/// Thread: confined to its shard.
/// Limits: keeps at most kSpareSlabs free slabs. The outboxes bound the number of slabs in use.
/// Errors: append throws std::bad_alloc.
class SlabArena {
public:
    SlabArena() = default;
    SlabArena(const SlabArena&) = delete;
    SlabArena& operator=(const SlabArena&) = delete;

    /// Copies the parts one after the other into a slab. Two calls in a row give adjacent ranges while the slab has
    /// room, so an outbox can merge the ranges.
    [[nodiscard]] SlabRange append(std::initializer_list<std::string_view> parts);

private:
    friend class SlabRef;
    friend struct SlabRange;

    /// An empty slab with room for `bytes`: a spare slab if the size is kSlabBytes, otherwise a new slab.
    [[nodiscard]] SlabRef fresh(std::size_t bytes);
    /// Takes back a slab without references: keeps or frees the slab.
    void recycle(Slab* slab);

    std::vector<std::unique_ptr<Slab>> spare_;
    /// The slab that frames are appended to. Declared after spare_: when the arena ends, the slab goes back into
    /// spare_.
    SlabRef current_;
};

}  // namespace tulle::node
