#include "node/core/slab.hpp"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {

void SlabRef::give_back() {
    slab_->home_->recycle(slab_);
}

void Slab::append(std::string_view bytes) {
    TULLE_ASSERT(bytes.size() <= room());
    std::memcpy(bytes_.get() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
}

static_assert(kCopySlabBytes < kSlabBytes && kSlabBytes <= UINT32_MAX);

std::size_t SlabRange::pinned() const {
    // The capacity counts, not the used bytes: the whole block of memory stays.
    return slab.get() == nullptr ? 0 : slab.get()->capacity_ / slab.get()->references_;
}

void SlabRange::move_out(SlabRef& copies) {
    // Keeps a fair part of its slab, or is a copy already.
    if (slab == copies || std::uint64_t{size} * kMaxPinFactor >= pinned()) {
        return;
    }
    // A single copy may be larger than the usual slab for copies.
    if (copies.get() == nullptr || copies.get()->room() < size) {
        copies = slab.get()->home_->fresh(std::max<std::size_t>(size, kCopySlabBytes));
    }
    const std::size_t at = copies.get()->used();
    copies.get()->append(view());
    slab = copies;
    offset = static_cast<std::uint32_t>(at);
}

SlabRange SlabArena::append(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    // A frame larger than a slab gets a slab of its own, and the current slab stays current.
    if (size <= kSlabBytes && (current_.get() == nullptr || current_.get()->room() < size)) {
        current_ = fresh(kSlabBytes);
    }
    TULLE_ASSERT(size <= UINT32_MAX);
    SlabRef slab = size <= kSlabBytes ? current_ : fresh(size);
    const std::size_t offset = slab.get()->used();
    for (const std::string_view part : parts) {
        // memcpy from an empty view could get a null pointer.
        if (!part.empty()) {
            slab.get()->append(part);
        }
    }
    return {std::move(slab), static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)};
}

SlabRef SlabArena::fresh(std::size_t bytes) {
    std::unique_ptr<Slab> slab;
    // Spare slabs all have the usual size.
    if (bytes == kSlabBytes && !spare_.empty()) {
        slab = std::move(spare_.back());
        spare_.pop_back();
    } else {
        slab = std::make_unique<Slab>(bytes);
    }
    slab->home_ = this;
    return SlabRef(slab.release());
}

void SlabArena::recycle(Slab* slab) {
    TULLE_ASSERT(slab->references_ == 0 && slab->home_ == this);
    // Frees a slab of another size, and any slab beyond the spare ones.
    std::unique_ptr<Slab> owned(slab);
    if (owned->capacity_ == kSlabBytes && spare_.size() < kSpareSlabs) {
        owned->used_ = 0;
        spare_.push_back(std::move(owned));
    }
}

}  // namespace tulle::node
