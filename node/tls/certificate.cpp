#include "node/tls/certificate.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "mesh/keys/secret_file.hpp"
#include "node/tls/tls_error.hpp"

namespace tulle::node {
namespace {

/// The text of a file, or TlsError.
std::string text_or_throw(const std::string& path, mesh::FileText file) {
    if (!file.error.empty()) {
        throw TlsError(path + ": " + file.error);
    }
    return std::move(file.text);
}

BioPtr bio_of(const std::string& text) {
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (bio == nullptr) {
        throw std::bad_alloc();
    }
    return bio;
}

/// OpenSSL asks this function for the passphrase of an encrypted key, instead of asking at the terminal.
int refuse_passphrase(char*, int, int, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

/// The certificates in a text, in their order.
std::vector<X509Ptr> certificates_in(const std::string& text, const std::string& path) {
    const BioPtr bio = bio_of(text);
    std::vector<X509Ptr> all;
    ERR_clear_error();
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        all.emplace_back(next);
    }
    const unsigned long error = ERR_peek_last_error();
    const bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!is_end) {
        throw TlsError(path + ": certificate " + std::to_string(all.size() + 1) +
                       " cannot be read: " + openssl_reason());
    }
    ERR_clear_error();
    if (all.empty()) {
        throw TlsError(path + ": holds no certificate (PEM, -----BEGIN CERTIFICATE-----)");
    }
    return all;
}

KeyPtr key_in(const std::string& text, const std::string& path) {
    const BioPtr bio = bio_of(text);
    bool is_encrypted = false;
    ERR_clear_error();
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &is_encrypted));
    if (key == nullptr) {
        const bool has_key = text.find("PRIVATE KEY-----") != std::string::npos;
        const std::string reason = openssl_reason();
        throw TlsError(path + (is_encrypted ? ": the key is encrypted: take the passphrase away (openssl pkey -in FILE "
                                              "-out FILE)"
                               : has_key    ? ": the key cannot be read: " + reason
                                            : ": holds no private key (PEM, -----BEGIN PRIVATE KEY-----)"));
    }
    return key;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string text_of(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

/// The DNS names of a certificate; without any, its common name, as clients of old certificates did.
std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    const NamesPtr alternatives(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; alternatives != nullptr && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
        if (name->type == GEN_DNS) {
            names.push_back(lower(text_of(name->d.dNSName)));
        }
    }
    if (alternatives == nullptr) {
        const X509_NAME* subject = X509_get_subject_name(certificate);
        const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at >= 0) {
            names.push_back(lower(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
        }
    }
    return names;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
    tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::string date_of(std::int64_t seconds) {
    const std::time_t time = seconds;
    tm parts{};
    ::gmtime_r(&time, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

}  // namespace

std::string openssl_reason() {
    const unsigned long error = ERR_peek_last_error();
    const char* reason = ERR_reason_error_string(error);
    std::string text = reason != nullptr ? reason : error != 0 ? "error " + std::to_string(error) : "unknown reason";
    ERR_clear_error();
    return text;
}

Certificate read_certificate(const std::string& certificate_file, const std::string& key_file, std::int64_t now) {
    Certificate result;
    std::vector<X509Ptr> chain = certificates_in(
        text_or_throw(certificate_file, mesh::read_public_file(certificate_file, kMaxPemBytes)), certificate_file);
    result.key = key_in(text_or_throw(key_file, mesh::read_secret_file(key_file, kMaxPemBytes)), key_file);
    result.leaf = std::move(chain.front());
    result.issuers.assign(std::make_move_iterator(chain.begin() + 1), std::make_move_iterator(chain.end()));
    if (X509_check_private_key(result.leaf.get(), result.key.get()) != 1) {
        ERR_clear_error();
        throw TlsError("the key in " + key_file + " does not belong to the (first) certificate in " + certificate_file);
    }
    result.names = names_of(result.leaf.get());
    result.not_after = seconds_of(X509_get0_notAfter(result.leaf.get()));
    const std::int64_t not_before = seconds_of(X509_get0_notBefore(result.leaf.get()));
    if (now > result.not_after) {
        result.warning = certificate_file + ": the certificate has expired at " + date_of(result.not_after) +
                         ", and clients will refuse it";
    } else if (now < not_before) {
        result.warning = certificate_file + ": the certificate is not valid before " + date_of(not_before) +
                         ", and clients will refuse it";
    }
    return result;
}

}  // namespace tulle::node
