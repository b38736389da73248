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

/// Append-only bytes of encoded frames, shared by the outboxes of one shard. The count is not atomic: one thread owns
/// it.
class Slab {
public:
    explicit Slab(std::size_t capacity) : capacity_(capacity), bytes_(new char[capacity]) {}

    [[nodiscard]] const char* data() const { return bytes_.get(); }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t room() const { return capacity_ - used_; }
    /// `bytes` must fit into the room.
    void append(std::string_view bytes);

private:
    friend class SlabArena;
    friend class SlabRef;
    friend struct SlabRange;

    std::size_t capacity_;
    std::size_t used_ = 0;
    std::uint32_t references_ = 0;
    SlabArena* home_ = nullptr;
    std::unique_ptr<char[]> bytes_;
};

/// Keeps a slab's bytes in place. Confined to the shard of its arena, which must outlive it.
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

    /// Lets go. Always inline, as each delivery does so a few times, mostly where the compiler sees that there is
    /// nothing to let go of.
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
    void give_back();

    Slab* slab_ = nullptr;
};

/// Bytes in a slab: whole frames, so that what follows them in an outbox is a frame again.
struct SlabRange {
    SlabRef slab;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;

    [[nodiscard]] std::string_view view() const { return {slab.get()->data() + offset, size}; }

    /// Takes in `next` if it begins where this ends and both together have at most `max_bytes`; false: neither is
    /// changed.
    [[nodiscard]] bool join(const SlabRange& next, std::size_t max_bytes) {
        if (slab != next.slab || offset + size != next.offset || std::size_t{size} + next.size > max_bytes) {
            return false;
        }
        size += next.size;
        return true;
    }

    /// Bytes of memory that are kept in place for this range: its part of the slab, which all that refers to it share
    /// alike.
    [[nodiscard]] std::size_t pinned() const;
    /// Copies the bytes into `copies`, which is replaced by a fresh slab when it has no room, if they keep more than
    /// kMaxPinFactor times their size in place.
    void move_out(SlabRef& copies);
};

/// Where one shard encodes its frames, each once. Slabs that nobody refers to any more are used again.
///
/// Thread: confined to its shard.
/// Limits: keeps at most kSpareSlabs free slabs; how many are in use is bounded by what the outboxes hold.
class SlabArena {
public:
    SlabArena() = default;
    SlabArena(const SlabArena&) = delete;
    SlabArena& operator=(const SlabArena&) = delete;

    /// Copies the parts one after the other. Two calls in a row give adjacent ranges while the slab lasts.
    [[nodiscard]] SlabRange append(std::initializer_list<std::string_view> parts);

private:
    friend class SlabRef;
    friend struct SlabRange;

    [[nodiscard]] SlabRef fresh(std::size_t bytes);
    void recycle(Slab* slab);

    std::vector<std::unique_ptr<Slab>> spare_;
    SlabRef current_;  ///< after spare_, into which it goes when the arena ends
};

}  // namespace tulle::node
