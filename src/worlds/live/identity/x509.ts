/**
 * The X.509 library, loaded in the only order in which it loads: it puts its parts together at run time and wants a
 * `Reflect` with metadata to be there before it. Everything else imports it from here.
 */
import 'reflect-metadata';

export {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
