#include <algorithm>

#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/wire/convert.hpp"
#include "mesh/wire/decode_numbers.hpp"
#include "proto/mesh/v1/envelope.pb.h"

/// Decodes the messages for finding other nodes and for keeping a session.
namespace tulle::mesh::wire {
namespace {

/// True for printable ASCII without blanks, up to `max` bytes. The texts end up in logs and tables, so nothing may move
/// a cursor or look like two columns.
bool good_word(const std::string& text, std::size_t max) {
    const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
    return text.size() <= max && std::all_of(text.begin(), text.end(), printable);
}

/// True for a non-empty word of at most kMaxNameBytes.
bool good_name(const std::string& name) {
    return !name.empty() && good_word(name, kMaxNameBytes);
}

bool get(const v1::Endpoints& from, Endpoints& to) {
    to = {from.control(), from.data(), from.listen()};
    // Only `listen` may be empty: a node without clients has no endpoint for clients.
    return !to.control.empty() && good_word(to.control, kMaxEndpointBytes) && !to.data.empty() &&
           good_word(to.data, kMaxEndpointBytes) && good_word(to.listen, kMaxEndpointBytes);
}

/// The name and the endpoints of a node known to the sender.
bool get(const v1::MemberInfo& from, MemberInfo& to) {
    to.oid = OriginId{from.oid()};
    to.name = from.name();
    return from.oid() != 0 && good_name(to.name) && get(from.endpoints(), to.endpoints);
}

/// The identity of a node, sent as the first message between two nodes. The names are checked here; the core decides
/// about clusters and versions.
bool get(const v1::Introduction& from, Introduction& to) {
    to.cluster = from.cluster();
    to.name = from.name();
    to.version = from.version();
    to.oldest_protocol = from.oldest_protocol();
    to.newest_protocol = from.newest_protocol();
    to.ready = from.ready();
    return good_name(to.cluster) && good_name(to.name) && good_word(to.version, kMaxNameBytes) &&
           get(from.endpoints(), to.endpoints);
}

template <class Repeated>
bool get_members(const Repeated& from, std::vector<MemberInfo>& to) {
    if (static_cast<std::size_t>(from.size()) > kLimits.members_per_message) {
        return false;
    }
    to.resize(static_cast<std::size_t>(from.size()));
    for (int i = 0; i < from.size(); ++i) {
        if (!get(from[i], to[static_cast<std::size_t>(i)])) {
            return false;
        }
    }
    return true;
}

bool get(const v1::SessionTerms& from, SessionTerms& to) {
    if (from.has_delivered()) {
        to.delivered = RecordNo{from.delivered()};
    }
    to.at = RecordNo{from.at()};
    // The extras must grow: a repeated or unordered number is a mistake of the sender.
    for (const std::uint64_t n : from.extras()) {
        if ((!to.extras.empty() && n <= to.extras.back().value) || n > kMaxNumber) {
            return false;
        }
        to.extras.push_back(RecordNo{n});
    }
    return good_numbers(from.delivered(), from.at()) && to.extras.size() <= kLimits.extras &&
           get_members(from.members(), to.members);
}

}  // namespace

bool get(const v1::Knock& from, Knock& to) {
    to.dialled = from.dialled();
    to.nonce = from.nonce();
    return good_word(to.dialled, kMaxEndpointBytes) && get(from.who(), to.who);
}

bool get(const v1::Hello& from, Hello& to) {
    to.tag = SessionTag{from.tag()};
    to.knocked = from.knocked();
    to.echo = from.echo();
    return from.tag() != 0 && good_word(to.knocked, kMaxEndpointBytes) && get(from.who(), to.who) &&
           get(from.terms(), to.terms);
}

bool get(const v1::Welcome& from, Welcome& to) {
    to.echo = SessionTag{from.echo()};
    to.tag = SessionTag{from.tag()};
    return from.tag() != 0 && from.echo() != 0 && get(from.who(), to.who) && get(from.terms(), to.terms);
}

bool get(const v1::Refuse& from, Refuse& to) {
    to.text = from.text();
    to.echo = from.echo();
    to.reason = static_cast<RefusalReason>(from.reason());
    // Blanks are allowed, unlike in a word: the text is a sentence for the log.
    const auto printable = [](char c) { return c >= ' ' && c < '\x7f'; };
    return to.text.size() <= 1024 && std::all_of(to.text.begin(), to.text.end(), printable) &&
           v1::Refuse::Reason_IsValid(from.reason());
}

bool get(const v1::Heartbeat& from, Heartbeat& to) {
    to = {.last_sent = FrameNo{from.last_sent()},
          .upto = RecordNo{from.upto()},
          .received = FrameNo{from.received()},
          .version = InterestVersion{from.version()},
          .digest = from.digest(),
          .applied = InterestVersion{from.applied()},
          .sent_at_us = from.sent_at_us(),
          .echo_us = from.echo_us(),
          .echo_held_us = from.echo_held_us(),
          .members_digest = from.members_digest(),
          .load = {from.load().uptime_s(), from.load().clients(), from.load().channels()},
          .ready = from.ready(),
          .hybrid_us = from.hybrid_us(),
          .deaf_via = OriginId{from.deaf_via()},
          .duty_view = from.duty_view(),
          .duty_view_no = from.duty_view_no(),
          .leaving = from.leaving(),
          .last = from.last(),
          .key_ids = {},
          .rebind_ms = from.rebind_ms(),
          .waits_upto = RecordNo{from.waits_upto()},
          .keeps_histories = from.keeps_histories(),
          .is_open = from.is_open()};
    if (static_cast<std::size_t>(from.key_ids_size()) > kMaxKeyIds) {
        return false;
    }
    to.key_ids.assign(from.key_ids().begin(), from.key_ids().end());
    return from.rebind_ms() <= kMaxRebindMs &&
           good_numbers(from.last_sent(), from.upto(), from.received(), from.version(), from.applied(),
                        from.load().uptime_s(), from.load().clients(), from.load().channels(), from.duty_view_no(),
                        from.waits_upto()) &&
           good_times(from.sent_at_us(), from.echo_us(), from.echo_held_us());
}

bool get(const v1::Members& from, Members& to) {
    return get_members(from.members(), to.members);
}

}  // namespace tulle::mesh::wire
