#include "node/pusher/edge/publish_answer.hpp"

#include <string>

#include "mesh/base/assert.hpp"
#include "node/pusher/wire/http_answer.hpp"

namespace tulle::node {
namespace {

std::uint32_t lacking(std::uint32_t held, std::uint32_t wanted) {
    return wanted > held ? wanted - held : 0;
}

}  // namespace

void PublishAnswer::note(const mesh::Published& published) {
    // Too few copies say more than other refusals: an event was perhaps delivered.
    if (published.outcome != mesh::PublishOutcome::kAccepted && outcome_ != mesh::PublishOutcome::kFewCopies) {
        outcome_ = published.outcome;
    }
    is_any_delivered_ = is_any_delivered_ || published.n != mesh::RecordNo{};
    if (published.wanted == 0) {
        return;
    }
    const std::uint32_t before = lacking(held_, wanted_);
    const std::uint32_t now = lacking(published.copies, published.wanted);
    if (wanted_ == 0 || now > before || (now == before && published.copies < held_)) {
        held_ = published.copies;
        wanted_ = published.wanted;
    }
}

bool PublishAnswer::is_put_off() const {
    return outcome_ == mesh::PublishOutcome::kNotReady || outcome_ == mesh::PublishOutcome::kNotSpoken ||
           outcome_ == mesh::PublishOutcome::kBusy ||
           (outcome_ == mesh::PublishOutcome::kFewCopies && !is_any_delivered_);
}

HttpResponse PublishAnswer::refusal() const {
    switch (outcome_) {
        case mesh::PublishOutcome::kAccepted:
            break;
        case mesh::PublishOutcome::kNotReady:
            return pusher::unavailable("the node is not ready");
        case mesh::PublishOutcome::kTooLarge:
            return pusher::api_error(413, "the event is too large");
        // Only for data that are not JSON.
        case mesh::PublishOutcome::kNotSpoken:
            return pusher::unavailable("not every node of the mesh can carry this event yet");
        case mesh::PublishOutcome::kFewCopies:
            return pusher::few_copies(held_, wanted_, is_any_delivered_);
        case mesh::PublishOutcome::kBusy:
            return pusher::unavailable("too many events wait for copies");
    }
    TULLE_ASSERT(false);
}

void PublishAnswer::add_copies(HttpResponse& response) const {
    if (wanted_ > 0) {
        response.headers.emplace_back("Tulle-Copies", std::to_string(held_));
    }
}

}  // namespace tulle::node
