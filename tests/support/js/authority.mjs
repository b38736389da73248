// Certificates that are made when a test runs: an authority, and what it vouches for. By the program openssl.
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const openssl = (...args) => exec('openssl', args);
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority with its files in `directory`: `ca` is what clients are to trust. */
export class Authority {
  constructor(directory) {
    this.directory = directory;
    this.ca = path.join(directory, 'ca.crt');
    this.caKey = path.join(directory, 'ca.key');
  }

  static async create(directory) {
    await fs.mkdir(directory, { recursive: true });
    const authority = new Authority(directory);
    await openssl('req', '-x509', ...EC, '-keyout', authority.caKey, '-out', authority.ca, '-days', '30',
      '-subj', '/CN=Tulle test authority', '-addext', 'keyUsage=critical,keyCertSign', '-sha256');
    return authority;
  }

  /**
   * Makes `NAME.crt` and `NAME.key` in `directory` for the DNS names, and for 127.0.0.1. `days`: of validity; negative: expired.
   * Answers the paths {cert, key}.
   */
  async issue(name, dns = [], { directory = this.directory, days = 30, newKey = EC } = {}) {
    const cert = path.join(directory, `${name}.crt`);
    const key = path.join(directory, `${name}.key`);
    const request = path.join(this.directory, `${name}.csr`);
    const extensions = path.join(this.directory, `${name}.ext`);
    const alternatives = [...dns.map((each) => `DNS:${each}`), 'IP:127.0.0.1'].join(',');
    await fs.writeFile(extensions, `subjectAltName=${alternatives}\nbasicConstraints=CA:FALSE\n`);
    await fs.rm(key, { force: true });
    await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    await fs.chmod(key, 0o600);
    await openssl('x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.caKey, '-CAcreateserial', '-out', `${cert}.new`,
      '-days', String(days), '-extfile', extensions, '-sha256');
    await fs.rename(`${cert}.new`, cert);
    return { cert, key };
  }
}
