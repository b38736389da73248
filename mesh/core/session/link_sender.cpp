#include "mesh/core/session/link_sender.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

// The sender of a link. All links read one record ring; a link holds only a cursor, its frames without a receipt, and
// its debts. flush() builds frames while the credit lasts: first records that the ring has dropped (Gone), then lists
// and last events owed to the peer, then due records in order of n.
//
// Looking at each record for each link would cost records times peers. So a level link is not asked to look: Streams
// names each due record by note_due(), and the cursor of the link jumps over the rest. When the credit runs out, the
// named records are forgotten and the link is behind; it then reads the ring record by record until it is level again.
static_assert(Limits{}.frame_bytes < Limits{}.credit_bytes && Limits{}.credit_bytes < Limits{}.ring_bytes);
static_assert(Timing{}.tail < Timing{}.data_keepalive && Timing{}.data_keepalive < Timing{}.data_deaf);

void LinkSender::open(RecordNo after, std::vector<RecordNo> extras) {
    TULLE_ASSERT(!open_ && last_sent_ == FrameNo{});
    open_ = true;
    cursor_ = after;
    extras_ = std::move(extras);
}

void LinkSender::note_due(RecordNo before, const RecordPtr& record) {
    TULLE_ASSERT(before < record->n);
    // The first due record since the last flush(): from here on the noted records are complete.
    if (level_) {
        fall_behind(before);
        noted_.is_complete = true;
    }
    if (noted_.is_complete && (noted_.records.empty() || noted_.records.back()->n < record->n)) {
        noted_.records.push_back(record);
    }
}

void LinkSender::fall_behind(RecordNo before) {
    if (level_) {
        level_ = false;
        cursor_ = before;
    }
}

void LinkSender::flush(Instant now, const Sources& sources, std::vector<FramePtr>& out) {
    if (!open_) {
        return;
    }
    // A level link without noted records has nothing due in the ring.
    if (level_) {
        cursor_ = sources.ring.last();
    }
    bool sent = false;
    while (unreceipted_.bytes < limits_.credit_bytes) {
        FramePtr frame = next_frame(sources);
        if (!frame) {
            break;
        }
        unreceipted_.bytes += frame->bytes;
        unreceipted_.frames.push_back({frame, now});
        out.push_back(std::move(frame));
        sent = true;
    }
    // Records left over will be looked at with the interest that the peer has by then.
    noted_.is_complete = false;
    noted_.records.clear();
    noted_.sent = 0;
    level_ = cursor_ == sources.ring.last() && unreceipted_.bytes < limits_.credit_bytes;
    // After a burst a Tail comes soon, so a lost last frame is found early; otherwise a Tail shows that the path works.
    if (sent) {
        tail_at_ = now + timing_.tail;
    } else if (!tail_at_) {
        tail_at_ = now + timing_.data_keepalive;
    }
}

FramePtr LinkSender::next_frame(const Sources& sources) {
    Frame frame;
    pass_over_gone(sources, frame);
    add_owed(sources, frame);
    // A list under way must not be interrupted by records.
    if (!list_ && noted_.is_complete) {
        add_noted(sources, frame);
    } else if (!list_) {
        add_records(sources, frame);
    }
    if (frame.records.empty() && frame.gone.empty() && frame.presence.empty() && frame.retained.empty()) {
        return nullptr;
    }
    last_sent_ = last_sent_.next();
    frame.no = last_sent_;
    frame.upto = cursor_;
    return std::make_shared<const Frame>(std::move(frame));
}

void LinkSender::add_records(const Sources& sources, Frame& frame) {
    const RecordRing& ring = sources.ring;
    while (cursor_ < ring.last() && cursor_.next() >= ring.first_whole() && !is_late(cursor_.next()) &&
           frame.records.size() < limits_.frame_records) {
        const RecordPtr& record = ring.at(cursor_.next());
        if (sources.due(*record)) {
            if (is_full(frame, *record)) {
                break;
            }
            add_record(sources, record, frame);
        }
        cursor_ = record->n;
    }
}

void LinkSender::add_noted(const Sources& sources, Frame& frame) {
    while (noted_.sent < noted_.records.size() && frame.records.size() < limits_.frame_records) {
        const RecordPtr& record = noted_.records[noted_.sent];
        if (is_full(frame, *record)) {
            // The cursor stops just before the record that did not fit, so all records up to the cursor are done.
            cursor_ = RecordNo{record->n.value - 1};
            return;
        }
        add_record(sources, record, frame);
        cursor_ = record->n;
        ++noted_.sent;
    }
    // All noted records are in: the rest of the ring is not due.
    if (noted_.sent == noted_.records.size() && frame.records.size() < limits_.frame_records) {
        cursor_ = sources.ring.last();
    }
}

void LinkSender::add_record(const Sources& sources, const RecordPtr& record, Frame& frame) {
    frame.records.push_back(record);
    frame.bytes += record->cost();
    if (record->copies > 1) {
        frame.has_copies = true;
        frame.receipt_now = frame.receipt_now || sources.keeps(*record);
    }
}

bool LinkSender::is_full(const Frame& frame, const Record& next) const {
    const bool empty = frame.records.empty() && frame.presence.empty() && frame.retained.empty();
    return !empty && frame.bytes + next.cost() > limits_.frame_bytes;
}

std::optional<LinkSender::Owed> LinkSender::take_owed() {
    if (!owed_.empty()) {
        auto next = owed_.extract(owed_.begin());
        return Owed{std::move(next.key()), next.mapped()};
    }
    if (!coming_.keys.empty() && coming_.version) {
        return Owed{std::move(coming_.keys.extract(coming_.keys.begin()).value()), *coming_.version};
    }
    return std::nullopt;
}

void LinkSender::add_owed(const Sources& sources, Frame& frame) {
    while (frame.bytes < limits_.frame_bytes) {
        if (!list_) {
            const std::optional<Owed> next = take_owed();
            if (!next) {
                return;
            }
            const std::string channel(marked_channel(next->key));
            if (is_retained_key(next->key)) {
                add_retained(sources, channel, next->version, frame);
                continue;
            }
            // The list holds all changes up to the ring's last record, as it is read now.
            list_ = List{channel, next->version, sources.ring.last(), sources.members(channel), 0};
        }
        add_members(frame);
        // The frame is full; the list goes on in the next frame.
        if (list_) {
            return;
        }
    }
}

// An event is added while the frame has room left, so a frame exceeds its size by one event at most: the wire allows
// one message of the largest kind beyond.
void LinkSender::add_retained(const Sources& sources, const std::string& channel, InterestVersion version,
                              Frame& frame) {
    RetainedPart part = sources.retained(channel);
    part.channel = channel;
    part.version = version;
    part.at = sources.ring.last();
    frame.bytes += part.cost();
    frame.retained.push_back(std::make_shared<const RetainedPart>(std::move(part)));
}

void LinkSender::add_members(Frame& frame) {
    PresencePart part{.channel = list_->channel,
                      .version = list_->version,
                      .at = list_->at,
                      .first = list_->sent == 0,
                      .last = false,
                      .members = {}};
    // 64 bytes stand for the fixed fields of a piece.
    frame.bytes += 64 + part.channel.size();
    while (list_->sent < list_->members.size()) {
        const PresenceMember& member = list_->members[list_->sent];
        if (!part.members.empty() && frame.bytes + member.cost() > limits_.frame_bytes) {
            break;
        }
        frame.bytes += member.cost();
        part.members.push_back(member);
        ++list_->sent;
    }
    part.last = list_->sent == list_->members.size();
    // A piece without members would make the list endless.
    TULLE_ASSERT(part.last || !part.members.empty());
    frame.presence.push_back(std::make_shared<const PresencePart>(std::move(part)));
    if (frame.presence.back()->last) {
        list_.reset();
    }
}

void LinkSender::pass_over_gone(const Sources& sources, Frame& frame) {
    const RecordRing& ring = sources.ring;
    // Not even stubs are left of these records: only their number is known.
    if (cursor_.next() < ring.first()) {
        frame.gone.unknown = ring.first().value - cursor_.value - 1;
        cursor_ = RecordNo{ring.first().value - 1};
        unknown_lost_ = true;
    }
    // Of the following records the ring has stubs (or whole records that come too late): count them by channel.
    std::map<std::string, std::uint64_t> missed;
    while (cursor_ < ring.last() && (cursor_.next() < ring.first_whole() || is_late(cursor_.next())) &&
           frame.bytes < limits_.frame_bytes) {
        const RecordPtr& stub = ring.at(cursor_.next());
        cursor_ = stub->n;
        // No client sees a marked record, and the peer has got the extras.
        if (stub->trace || std::binary_search(extras_.begin(), extras_.end(), cursor_)) {
            continue;
        }
        owe_stub(sources, *stub);
        frame.gone.history = frame.gone.history || (stub->history && sources.due(*stub));
        for (const std::string& channel : stub->channels) {
            if (is_marked_key(channel) || !sources.interested(channel)) {
                continue;
            }
            const auto [entry, fresh] = missed.try_emplace(channel, 0);
            ++entry->second;
            ++counts_.gone;
            // 16 bytes stand for the count and the fields of an entry.
            frame.bytes += fresh ? channel.size() + 16 : 0;
        }
    }
    counts_.gone += frame.gone.unknown;
    frame.gone.channels.assign(missed.begin(), missed.end());
}

void LinkSender::owe_stub(const Sources& sources, const Record& stub) {
    for (const std::string& channel : stub.channels) {
        if (is_presence_key(channel) && sources.interested(channel)) {
            owe(channel, sources.version);
        }
    }
    if (stub.retained > 0 && sources.due(stub)) {
        for (std::size_t i = 0; i < stub.retained; ++i) {
            owe(retained_key(stub.channels[i]), sources.version);
        }
    }
}

void LinkSender::on_receipt(FrameNo received, std::vector<RecordPtr>& held) {
    // The receipt is of another session, or the peer errs: no more can be receipted than was sent.
    if (received > last_sent_) {
        return;
    }
    while (receipted_ < received) {
        const Frame& frame = *unreceipted_.frames.front().frame;
        if (frame.has_copies) {
            std::copy_if(frame.records.begin(), frame.records.end(), std::back_inserter(held),
                         [](const RecordPtr& record) { return record->copies > 1; });
        }
        unreceipted_.bytes -= frame.bytes;
        unreceipted_.frames.pop_front();
        receipted_ = receipted_.next();
    }
    TULLE_ASSERT(receipted_.value + unreceipted_.frames.size() == last_sent_.value);
}

void LinkSender::on_nack(Instant now, const std::vector<FrameRange>& missing, std::vector<FramePtr>& out) {
    std::size_t left = limits_.repair_frames;
    // Ranges may overlap, and frames repeated just now are passed over: bound the looks as well as the frames.
    std::size_t looks = 16 * limits_.repair_frames;
    for (const FrameRange& range : missing) {
        const FrameNo first = std::max(range.first, receipted_.next());
        const FrameNo last = std::min(range.last, last_sent_);
        for (FrameNo no = first; no <= last && left > 0 && looks > 0; no = no.next(), --looks) {
            Sent& sent = unreceipted_.frames[no.value - receipted_.value - 1];
            // The repeated frame is still under way.
            if (sent.again_after > now) {
                continue;
            }
            sent.again_after = now + timing_.repair_again;
            out.push_back(sent.frame);
            ++counts_.repeated;
            --left;
        }
    }
}

bool LinkSender::on_deadline(Instant now) {
    if (!tail_at_ || *tail_at_ > now) {
        return false;
    }
    tail_at_ = now + timing_.data_keepalive;
    return true;
}

}  // namespace tulle::mesh
