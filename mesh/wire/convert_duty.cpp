// The mail between the desks of two nodes. convert_duty.cpp has both directions, because the three lists of a mail
// share most of their fields.
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/wire/convert.hpp"
#include "mesh/wire/decode_numbers.hpp"
#include "proto/mesh/v1/envelope.pb.h"

namespace tulle::mesh::wire {
namespace {

/// Moves the key out of the generated object. False for an empty or too long key.
template <class From>
bool get_key(From& from, std::string& to) {
    to = std::move(*from.mutable_key());
    return !to.empty() && to.size() <= kMaxChannelBytes;
}

/// Reads the fields shared by reports and settles.
template <class From, class To>
bool get_item(From& from, To& to) {
    to.item = std::move(*from.mutable_item());
    to.revision = from.revision();
    to.told = from.told();
    to.told_version = from.told_version();
    return good_numbers(to.revision, to.told, to.told_version) && get_key(from, to.key) &&
           to.item.size() <= kMaxDutyItemBytes;
}

bool get_one(v1::DutyReport& from, DutyReport& to) {
    to.current = from.current();
    to.away = from.away();
    to.was_desk = from.was_desk();
    to.moved = from.moved();
    to.doubt = from.doubt();
    // An absent text stays null, unlike an empty text.
    if (from.has_info()) {
        to.info = share(std::move(*from.mutable_info()));
    }
    if (from.has_behind()) {
        to.behind = share(std::move(*from.mutable_behind()));
    }
    return good_numbers(to.current, to.doubt) && get_item(from, to) &&
           (!to.info || to.info->size() <= kMaxUserInfoBytes) &&
           (!to.behind || to.behind->size() <= kMaxDutyBehindBytes);
}

bool get_one(v1::DutySettle& from, DutySettle& to) {
    to.forget = from.forget();
    return get_item(from, to);
}

bool get_one(v1::DutyOrder& from, DutyOrder& to) {
    to.number = from.number();
    to.body = share(std::move(*from.mutable_body()));
    // Orders are numbered from 1.
    return to.number != 0 && good_numbers(to.number) && get_key(from, to.key) && to.body->size() <= kMaxBodyBytes;
}

/// Reads one list of a mail. False for a list or an entry beyond a limit.
template <class Repeated, class To>
bool get_all(Repeated& from, std::vector<To>& to) {
    if (static_cast<std::size_t>(from.size()) > kLimits.duty_mail_entries) {
        return false;
    }
    for (auto& one : from) {
        if (!get_one(one, to.emplace_back())) {
            return false;
        }
    }
    return true;
}

/// Writes the fields shared by reports and settles.
template <class From, class To>
void put_item(const From& from, To& to) {
    to.set_key(from.key);
    to.set_item(from.item);
    to.set_revision(from.revision);
    to.set_told(from.told);
    to.set_told_version(from.told_version);
}

}  // namespace

void put(const DutyMail& body, v1::ControlEnvelope& to) {
    v1::DutyMail& mail = *to.mutable_duty_mail();
    mail.set_seq(body.seq);
    mail.set_ack(body.ack);
    mail.set_view_no(body.view_no);
    for (const DutyReport& report : body.reports) {
        v1::DutyReport& added = *mail.add_reports();
        put_item(report, added);
        added.set_current(report.current);
        added.set_away(report.away);
        added.set_was_desk(report.was_desk);
        added.set_moved(report.moved);
        added.set_doubt(report.doubt);
        if (report.info) {
            added.set_info(*report.info);
        }
        if (report.behind) {
            added.set_behind(*report.behind);
        }
    }
    for (const DutyOrder& order : body.orders) {
        v1::DutyOrder& added = *mail.add_orders();
        added.set_number(order.number);
        added.set_key(order.key);
        added.set_body(*order.body);
    }
    for (const DutySettle& settle : body.settles) {
        v1::DutySettle& added = *mail.add_settles();
        put_item(settle, added);
        added.set_forget(settle.forget);
    }
    mail.mutable_done()->Add(body.done.begin(), body.done.end());
}

bool get_duty_mail(v1::DutyMail& from, DutyMail& to) {
    to.seq = from.seq();
    to.ack = from.ack();
    to.view_no = from.view_no();
    to.done.assign(from.done().begin(), from.done().end());
    return good_numbers(to.seq, to.ack, to.view_no) && to.done.size() <= kLimits.duty_mail_entries &&
           get_all(*from.mutable_reports(), to.reports) && get_all(*from.mutable_orders(), to.orders) &&
           get_all(*from.mutable_settles(), to.settles);
}

}  // namespace tulle::mesh::wire
