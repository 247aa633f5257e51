/** Local parts that belong to a desk, not to a person; also those that stand for no mailbox at all. */
const roles = new Set(
  `info infos information sales office contact contacts contacto contatto kontakt admin administrator administration
   support hello hi hallo hola bonjour team mail email post office buero bureau service services kundenservice
   kundendienst customerservice customercare help helpdesk hotline reception empfang sekretariat secretary
   secretariat accueil verkauf vertrieb ventas ventes vendite einkauf purchasing procurement achat achats compras
   billing invoice invoices rechnung rechnungen accounting accounts accountspayable buchhaltung comptabilite
   contabilidad finance finanzen finances hr personal jobs careers karriere bewerbung recruiting press presse media
   marketing newsletter news webmaster hostmaster postmaster root abuse privacy datenschutz security legal shop store
   order orders bestellung bestellungen commande commandes pedidos booking bookings buchung reservation reservations
   reservierung events enquiries enquiry inquiries inquiry anfrage anfragen feedback noreply donotreply nepasrepondre
   mailer daemon company firma praxis kanzlei werkstatt garage studio hotel restaurant parts warehouse logistics
   dispo disposition export import it edv tech technik technical management direction direktion geschaeftsfuehrung
   general main all everyone none noemail nomail unknown test na xxx example user customer kunde client`.split(/\s+/),
);

/** Providers whose domain says nothing about where somebody works. */
const freeDomains = new Set(
  `gmail.com googlemail.com outlook.com outlook.de outlook.fr hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.it
   hotmail.es live.com live.de live.fr live.co.uk live.nl live.ca msn.com yahoo.com yahoo.de yahoo.fr yahoo.co.uk yahoo.es
   yahoo.it yahoo.ca yahoo.co.in yahoo.co.jp yahoo.com.br ymail.com rocketmail.com aol.com aol.de aim.com icloud.com me.com
   mac.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de arcor.de online.de vodafone.de
   mail.de posteo.de mailbox.org email.de 1und1.de kabelmail.de unitybox.de ewetel.net bluewin.ch hispeed.ch sunrise.ch
   aon.at chello.at a1.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr libero.it
   virgilio.it tin.it alice.it tiscali.it tim.it telefonica.net terra.es telefonica.es skynet.be telenet.be proximus.be
   ziggo.nl kpnmail.nl planet.nl hetnet.nl xs4all.nl home.nl casema.nl btinternet.com sky.com virginmedia.com
   ntlworld.com blueyonder.co.uk talktalk.net o2.co.uk bt.com comcast.net verizon.net att.net sbcglobal.net
   bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net optonline.net rogers.com bell.net shaw.ca
   sympatico.ca telus.net videotron.ca cogeco.ca bigpond.com optusnet.com.au xtra.co.nz mail.ru bk.ru inbox.ru list.ru
   yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua wp.pl o2.pl onet.pl interia.pl op.pl seznam.cz email.cz centrum.cz
   post.cz azet.sk freemail.hu citromail.hu abv.bg mail.bg telia.com bredband.net spray.se online.no
   mail.dk sol.dk elisa.fi kolumbus.fi luukku.com sapo.pt uol.com.br bol.com.br terra.com.br ig.com.br globo.com
   qq.com 163.com 126.com sina.com sohu.com foxmail.com aliyun.com naver.com daum.net hanmail.net docomo.ne.jp
   ezweb.ne.jp softbank.ne.jp rediffmail.com protonmail.com proton.me pm.me tutanota.com tuta.io fastmail.com
   hushmail.com zoho.com mail.com email.com inbox.com usa.com hey.com duck.com mailinator.com example.invalid`.split(
    /\s+/,
  ),
);

/** Sites on which many companies keep a page; the address is no company's own domain. */
const sharedSites = new Set(
  `facebook.com fb.com instagram.com linkedin.com xing.com twitter.com x.com youtube.com tiktok.com pinterest.com
   google.com goo.gl g.page linktr.ee etsy.com ebay.com ebay.de amazon.com amazon.de booking.com tripadvisor.com
   yelp.com t.me wa.me whatsapp.com vk.com github.com medium.com mobile.de autoscout24.de`.split(/\s+/),
);

/** Whether an address belongs to a desk (`info@`, `sales-uk@`, `office2@`) and so to no person. @param address Normal form. */
export function isRoleMailbox(address: string): boolean {
  const local = withoutTag(address.slice(0, address.lastIndexOf('@'))).replace(/\d+$/, '');
  const end = local.search(/[._-]/);
  if (end < 0) return roles.has(local);
  return roles.has(local.slice(0, end)) || roles.has(local.replace(/[._-]/g, ''));
}

/** Whether a domain is that of a mail provider or a site on which anybody may have a page. @param domain Registrable. */
export function isSharedDomain(domain: string): boolean {
  return freeDomains.has(domain) || sharedSites.has(domain);
}

/**
 * The mailbox that an address in normal form reaches: `+tags` cut off, and for Gmail the dots and the second name of the
 * domain. Undefined for what is no address.
 */
export function mailboxOf(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1 || /\s/.test(address)) return undefined;
  const local = withoutTag(address.slice(0, at));
  const domain = address.slice(at + 1);
  if (domain !== 'gmail.com' && domain !== 'googlemail.com') return `${local}@${domain}`;
  return `${local.replaceAll('.', '') || local}@gmail.com`;
}

function withoutTag(local: string): string {
  const plus = local.indexOf('+');
  return plus > 0 ? local.slice(0, plus) : local;
}
